"""What geovq shows, in three pictures of a run: the bent plane, the straight line beside the geodesic, what codes lose.

The first two are measured before they are drawn, which takes seconds when nobody has looked at the run before. So the
page draws everything else first, and these into places that are kept for them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from geovq.app.shared import fetching, findings
from geovq.app.shared.charts import show
from geovq.app.shared.links import page_file
from geovq.app.shared.mosaics import reconstruction_rows
from geovq.app.shared.pickers import tokenizers_of
from geovq.app.shared.plane_axes import axis_titles, described, field_map, plane_words
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.ways import bent_pair, path_finding, ways_between
from geovq.app.shared.wording import GLOSSARY
from geovq.geometry.active_plane import indicatrices
from geovq.runs import Run
from geovq.runs.layout import GEOMETRY_FILE
from geovq.viz import grey_tiles, mosaic_figure, tokenizer_style
from geovq.viz.paths import DrawnCurve, curve_style, curves_figure
from geovq.viz.plane import plane_figure

N_IMAGES = 10
_EVERY = 4  # every how many points of a way a picture is shown
_WAYS = ("straight", "relaxed")


@guarded
def bent_space(run: Run) -> None:
    """Draw how much the decoder magnifies each place of the latent plane, and in which directions."""
    if not run.has(GEOMETRY_FILE):
        _not_yet("The geometry of this run is not measured yet: that comes after the autoencoder.")
        return
    scene = scene_of(run)
    outlines, step = indicatrices(scene.field)
    shown = f"{scene.n_landmarks:,} landmarks", plane_words(scene), f"ellipses: steps of {step:.2g}"
    show(
        plane_figure(field_map(scene), outlines, scene.positions, axis_titles=axis_titles(scene)),
        "home_plane",
        alt="How much the decoder magnifies each place of the latent plane, with ellipses of equal change",
        title=f"A step in the best direction changes the picture {scene.field.median_anisotropy:.1f} times as much as "
        "one across it",
        help="Each ellipse: all steps from its middle that change the decoded picture equally. Were latent space flat, "
        "all were the same circle.",
        caption=provenance(run, " · ".join(shown)),
    )
    _leads_to("geometry", "Touch it on the page Geometry")


@guarded
def shortest_way(run: Run) -> None:
    """Draw the straight line and the geodesic between two landmarks: as pictures, and in the plane."""
    if not run.has(GEOMETRY_FILE):
        _not_yet("Ways between two points are measured with the geometry of this run.")
        return
    scene = scene_of(run)
    first, second = bent_pair(run)
    found = ways_between(run, first, second, int(scene.places[first, 0]))
    pictures = [found[name].footprints[::_EVERY] for name in _WAYS]
    show(
        mosaic_figure(
            np.stack([grey_tiles(part) for part in pictures]),
            row_labels=[curve_style(name).label for name in _WAYS],
            tile_size=64,
        ),
        "home_ways",
        alt="What is decoded at even steps along the straight line and along the geodesic between two landmarks",
        title=path_finding(found, run.output_geometry),
        help="Left to right: from one landmark to another, what the decoder paints around the cell that moves. The "
        "geodesic is the way along which the picture changes least in all, and evenly.",
    )
    ways = {name: DrawnCurve(found[name].points, found[name].step_lengths) for name in _WAYS}
    show(
        curves_figure(field_map(scene), ways, axis_titles=axis_titles(scene), height=310),
        "home_curves",
        alt="The straight line and the geodesic on the latent plane, over lines of equal magnification",
        caption=provenance(run, f"A: {described(scene, first)} · B: {described(scene, second)}"),
    )
    _leads_to("geometry", "Choose two points yourself")
    _leads_to("neighbourhoods", "Who is near whom?")


@guarded
def same_images(run: Run) -> None:
    """Draw held-out images through the autoencoder and through each tokenizer, with what these cost."""
    names = tokenizers_of(run)
    if not names:
        _not_yet("This run has no tokenizer yet: tokenizers are built from the geometry.")
        return
    labels, tiles = reconstruction_rows(run, tuple(range(N_IMAGES)), names, errors=False)
    measured = run.measurements
    show(
        mosaic_figure(tiles, row_labels=[*labels[:2], *(cost_words(name, measured) for name in names)], tile_size=64),
        "home_mosaic",
        alt="Held-out images above their reconstructions by the autoencoder and by each tokenizer",
        title=findings.best_finding(measured) or "The same images, through each tokenizer",
        help=f"Bits: {GLOSSARY['rate']} Distortion: {GLOSSARY['distortion']}",
        caption=provenance(run, of_total(N_IMAGES, len(fetching.held_out_of(run)), "held-out images")),
    )
    _leads_to("compare", "Compare any two tokenizers")


def cost_words(name: str, measured: Mapping[str, Mapping[str, Any]]) -> str:
    """A tokenizer with what it costs and what it loses, as the name of a row."""
    label = tokenizer_style(name).label
    if name not in measured:
        return label
    values = measured[name]
    return f"{label}<br>{values['entropy_bits']:.2f} bits · {values['distortion']:.4f}"


def _leads_to(page: str, label: str) -> None:
    st.page_link(page_file(page), label=label, icon=":material/arrow_forward:")


def _not_yet(text: str) -> None:
    st.markdown(f":material/architecture: {text}")
    _leads_to("train", "Watch or resume it on Train")
