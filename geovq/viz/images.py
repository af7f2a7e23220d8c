"""Many small images as one: tiles, mosaics, and the figure of a mosaic.

A mosaic is one PNG in one image trace, whatever the number of tiles, so that hundreds of images are drawn as fast as
one.
"""

import base64
import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from PIL import Image

from geovq.errors import ShapeError
from geovq.viz.arrays import Array
from geovq.viz.layout import framed
from geovq.viz.palette import DIVERGING, TILE_GAP


def grey_tiles(images: Float[Array, "*batch h w"]) -> UInt8[Array, "*batch h w 4"]:
    """Intensities in [0, 1] as opaque grey RGBA; values outside are clipped."""
    grey = np.round(np.clip(images, 0.0, 1.0) * 255).astype(np.uint8)
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)


def signed_tiles(values: Float[Array, "*shape"], limit: float) -> UInt8[Array, "*shape 4"]:
    """Signed values as colours of the diverging map, centred at zero: -limit is blue, +limit is red.

    Parameters
    ----------
    values : ndarray of any shape
    limit : float
        Magnitude that reaches the end of the colour map; larger ones are clipped.
    """
    position = np.clip(np.asarray(values) / (2.0 * limit) + 0.5, 0.0, 1.0) if limit > 0 else np.full_like(values, 0.5)
    colours: Array = _diverging_table()[np.round(position * 255).astype(np.uint8)]
    return colours


def empty_tiles(shape: tuple[int, ...]) -> UInt8[Array, "*batch h w 4"]:
    """Transparent tiles, to fill the last row of a mosaic."""
    return np.zeros((*shape, 4), dtype=np.uint8)


def in_rows(tiles: UInt8[Array, "n h w 4"], n_columns: int) -> UInt8[Array, "rows columns h w 4"]:
    """Lay a list of tiles out in rows; what is missing in the last row stays transparent."""
    n_missing = -len(tiles) % n_columns
    filled: Array = np.concatenate([tiles, empty_tiles((n_missing, *tiles.shape[1:3]))])
    return filled.reshape(-1, n_columns, *tiles.shape[1:])


def mosaic(
    tiles: UInt8[Array, "rows columns h w 4"], *, gap: int = 1, row_gap: int | None = None
) -> UInt8[Array, "height width 4"]:
    """Join tiles into one picture.

    Parameters
    ----------
    tiles : ndarray of shape (rows, columns, h, w, 4)
    gap : int, default=1
        Pixels between columns, and between rows unless `row_gap` says otherwise.
    row_gap : int, optional
        Pixels above each row, for instance to write labels into; these stay transparent.

    Returns
    -------
    ndarray of shape (rows * (h + row_gap), columns * (w + gap) - gap, 4)
        Without `row_gap`: the height is rows * (h + gap) - gap.
    """
    if tiles.ndim != 5 or tiles.shape[-1] != 4:
        raise ShapeError(f"tiles must have shape (rows, columns, h, w, 4); got {tiles.shape}.")
    n_rows, n_columns, h, w, _ = tiles.shape
    above = gap if row_gap is None else row_gap
    picture = np.zeros((n_rows, h + above, n_columns, w + gap, 4), dtype=np.uint8)
    if row_gap is None:
        picture[:] = TILE_GAP
    picture[:, above:, :, :w] = tiles.transpose(0, 2, 1, 3, 4)
    flat = picture.reshape(n_rows * (h + above), n_columns * (w + gap), 4)
    first_row = gap if row_gap is None else 0
    return flat[first_row:, : flat.shape[1] - gap]


def mosaic_figure(
    tiles: UInt8[Array, "rows columns h w 4"],
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    tile_labels: Sequence[str] = (),
    tile_texts: Sequence[str] = (),
    tile_size: int = 56,
) -> go.Figure:
    """Figure of a mosaic.

    Parameters
    ----------
    tiles : ndarray of shape (rows, columns, h, w, 4)
    row_labels, column_labels : sequence of str
        Names on the left and above.
    tile_labels : sequence of str
        Short names written above the tiles, in raster order; may be fewer than the tiles.
    tile_texts : sequence of str
        What each tile says on hover, in raster order.
    tile_size : int, default=56
        Wanted height of a tile on the screen, in pixels; a narrow page shrinks it.
    """
    n_rows, n_columns, h, w, _ = tiles.shape
    row_gap = max(2, round(h / 3)) if tile_labels else None
    picture = mosaic(tiles, row_gap=row_gap)
    above, pitch_y = (row_gap, h + row_gap) if row_gap is not None else (0, h + 1)
    rows = above + np.arange(n_rows) * pitch_y + (h - 1) / 2
    columns = np.arange(n_columns) * (w + 1) + (w - 1) / 2
    figure = go.Figure(go.Image(source=png_uri(picture), hoverinfo="skip"))
    if tile_labels:
        _write(figure, tile_labels, columns, rows - (h + above) / 2)
    if tile_texts:
        _hover(figure, tile_texts, columns, rows)
    quiet = {"showgrid": False, "zeroline": False, "ticks": "", "constrain": "domain"}
    height, width, _ = picture.shape
    figure.update_xaxes(
        **quiet,
        constraintoward="left",
        side="top",
        tickvals=columns,
        ticktext=list(column_labels) or [""] * n_columns,
        range=(-0.5, width - 0.5),
    )
    figure.update_yaxes(
        **quiet,
        constraintoward="top",
        tickvals=rows,
        ticktext=list(row_labels) or [""] * n_rows,
        range=(height - 0.5, -0.5),
        scaleanchor="x",
    )
    scale = tile_size / h
    return framed(figure, height=round(height * scale) + (34 if column_labels else 12), top=26 if column_labels else 4)


def png_uri(picture: UInt8[Array, "height width 4"]) -> str:
    """Data URI of an RGBA picture."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


@cache
def _diverging_table() -> UInt8[Array, "256 4"]:
    scale = plotly.colors.sample_colorscale(DIVERGING, np.linspace(0, 1, 256).tolist(), colortype="tuple")
    table: Array = np.round(np.array([(*colour, 1.0) for colour in scale]) * 255).astype(np.uint8)
    table.flags.writeable = False  # it is shared by all callers
    return table


def _write(figure: go.Figure, labels: Sequence[str], columns: Array, rows: Array) -> None:
    figure.add_scatter(
        **_raster(labels, columns, rows), mode="text", text=list(labels), hoverinfo="skip", showlegend=False
    )
    figure.update_traces(textfont_size=10, selector={"mode": "text"})


def _hover(figure: go.Figure, texts: Sequence[str], columns: Array, rows: Array) -> None:
    # Image traces emit neither hover texts nor selections per tile: an almost transparent lattice of markers does.
    figure.add_scatter(
        **_raster(texts, columns, rows),
        mode="markers",
        marker={"size": 24, "symbol": "square", "opacity": 0.01},
        customdata=list(range(len(texts))),
        hovertext=list(texts),
        hoverinfo="text",
        showlegend=False,
    )


def _raster(items: Sequence[str], columns: Array, rows: Array) -> dict[str, Array]:
    order = np.arange(len(items))
    return {"x": columns[order % len(columns)], "y": rows[order // len(columns)]}
