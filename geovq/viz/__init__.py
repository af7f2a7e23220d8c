"""Plotly figures from arrays and plain values: nothing here reads files, models or settings."""

from geovq.viz.cells import cell_maps_figure, token_grids_figure
from geovq.viz.codes import Landmarks, cluster_size_figure, landmarks_figure, usage_figure
from geovq.viz.images import grey_tiles, in_rows, mosaic, mosaic_figure, signed_tiles
from geovq.viz.palette import map_colouring, tokenizer_style
from geovq.viz.training_curves import loss_figure, loss_parts, part_title, throughput_figure

__all__ = [
    "Landmarks",
    "cell_maps_figure",
    "cluster_size_figure",
    "grey_tiles",
    "in_rows",
    "landmarks_figure",
    "loss_figure",
    "loss_parts",
    "map_colouring",
    "mosaic",
    "mosaic_figure",
    "part_title",
    "signed_tiles",
    "throughput_figure",
    "token_grids_figure",
    "tokenizer_style",
    "usage_figure",
]
