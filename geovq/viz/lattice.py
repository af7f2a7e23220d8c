"""Small panels of one image and its lattice: values of the cells, alone or over the picture, and the place of a cell.

All panels share the coordinates of the lattice, and in all of them `customdata` of a click is the row and column of the
cell, as "3,4".
"""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.field import broken_lines
from geovq.viz.images import grey_tiles, png_uri
from geovq.viz.layout import CELL_AXIS, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE, SEQUENTIAL

_SIDE, _LARGE = 174, 230  # pixels of a panel
_LEFT, _RIGHT, _TOP = 18, 4, 4  # pixels around it: room for the row numbers
_TICKS, _BAR = 20, 44  # pixels below it: column numbers, and a colour bar
_CELL = 22  # pixels of one of seven cells
_SMALLEST, _LARGEST = 0.2, 0.8  # side of a mark, as a share of its cell
_MARK = QUALITATIVE[1]
_WINDOW = tuple[slice, slice]


def over_picture_figure(
    picture: Float[Array, "height width"],
    values: Float[Array, "H W"],
    *,
    unit: str,
    limits: tuple[float, float],
    digits: int = 1,
) -> go.Figure:
    """One quantity per cell over the picture: larger and lighter marks are more.

    Parameters
    ----------
    picture : ndarray of shape (h, w)
        Intensities in [0, 1].
    values : ndarray of shape (H, W)
    unit : str
        Title of the colour bar.
    limits : (float, float)
        Ends of the scale; values beyond are clipped.
    digits : int, default=1
        Decimals shown on hover.
    """
    low, high = limits
    shape = (values.shape[0], values.shape[1])
    shares = np.clip((values - low) / (high - low), 0, 1).ravel()
    rows, columns = (part.ravel() for part in np.indices(shape))
    figure = go.Figure(_picture(picture, shape))
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={
            "symbol": "square",
            "size": _CELL * (_SMALLEST + (_LARGEST - _SMALLEST) * shares),
            "color": np.clip(values, low, high).ravel(),
            "coloraxis": "coloraxis",
            "line": {"color": "black", "width": 1},
        },
        hoverinfo="skip",
    )
    figure.update_layout(coloraxis={"colorscale": SEQUENTIAL, "cmin": low, "cmax": high})
    texts = [f"{value:.{digits}f} {unit}" for value in values.ravel()]
    return _clickable(_panel(figure, shape, unit), shape, texts)


def small_map(figure: go.Figure, shape: tuple[int, int], unit: str = "") -> go.Figure:
    """A map of cells, of one panel, made small, with its colour bar below, and its cells clickable.

    Parameters
    ----------
    figure : Figure
        From `cell_maps_figure` or `token_grids_figure`; it is changed.
    shape : (int, int)
        Rows and columns of the lattice.
    unit : str
        Title of the colour bar; without one there is no bar.
    """
    heat = figure.data[0]
    words = [str(part) for part in np.ravel(heat.text)] if heat.text is not None else []
    texts = [f"code {word}" for word in words] or [f"{value:.3f} {unit}" for value in np.ravel(heat.z)]
    figure.update_traces(textfont_size=9, selector={"type": "heatmap"})
    figure.update_traces(textfont_size=9, selector={"mode": "text"})
    return _clickable(_panel(figure, shape, unit), shape, texts)


def where_figure(
    picture: Float[Array, "height width"], shape: tuple[int, int], position: tuple[int, int], footprint: _WINDOW
) -> go.Figure:
    """The picture under the grid of the lattice, one cell and the pixels that it can change framed.

    Parameters
    ----------
    picture : ndarray of shape (h, w)
        Intensities in [0, 1].
    shape : (int, int)
        Rows and columns of the lattice.
    position : (int, int)
        Row and column of the cell.
    footprint : (slice, slice)
        Rows and columns of pixels.
    """
    row, column = position
    dashed, solid = {"color": _MARK, "width": 2, "dash": "dash"}, {"color": _MARK, "width": 3}
    frames = [
        {"type": "rect", **corners_of(footprint, picture.shape, shape), "line": dashed},
        {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5, "line": solid},
    ]
    x, y = broken_lines(_grid(*shape))
    grid = go.Scatter(x=x, y=y, mode="lines", line={"color": NEUTRAL, "width": 0.5}, hoverinfo="skip")
    figure = go.Figure([_picture(picture, shape), grid], {"shapes": frames})
    return _panel(figure, shape, "", side=_LARGE, below=_TICKS)


def corners_of(window: _WINDOW, pixels: tuple[int, ...], shape: tuple[int, int]) -> dict[str, float]:
    """A box of pixels of a picture of size `pixels` as corners in the coordinates of a lattice of `shape`."""
    (y0, y1), (x0, x1) = (
        (part.start * n_cells / n_pixels - 0.5, part.stop * n_cells / n_pixels - 0.5)
        for part, n_cells, n_pixels in zip(window, shape, pixels, strict=True)
    )
    return {"x0": x0, "x1": x1, "y0": y0, "y1": y1}


def _grid(n_rows: int, n_columns: int) -> Float[Array, "lines 2 2"]:
    """End points of the lines between cells."""
    across = [[(-0.5, y - 0.5), (n_columns - 0.5, y - 0.5)] for y in range(1, n_rows)]
    down = [[(x - 0.5, -0.5), (x - 0.5, n_rows - 0.5)] for x in range(1, n_columns)]
    return np.array(across + down, dtype=float)


def _picture(picture: Array, shape: tuple[int, int]) -> go.Image:
    dy, dx = (cells / pixels for cells, pixels in zip(shape, picture.shape, strict=True))  # cells per pixel
    source = png_uri(grey_tiles(picture))
    return go.Image(source=source, x0=(dx - 1) / 2, dx=dx, y0=(dy - 1) / 2, dy=dy, hoverinfo="skip")


def _panel(
    figure: go.Figure, shape: tuple[int, int], unit: str, *, side: int = _SIDE, below: int = _TICKS + _BAR
) -> go.Figure:
    fixed = {**CELL_AXIS, "tickfont_size": 10, "ticks": "", "fixedrange": True, "title_text": ""}
    fixed["automargin"] = False  # all panels keep one size, whatever their numbers
    bar = {"orientation": "h", "y": -0.13, "yanchor": "top", "thickness": 8, "xpad": 0, "ypad": 0}
    title = {"text": unit, "side": "bottom", "font": {"size": 11}}
    ticks = {"tickfont": {"size": 10}, "nticks": 4, "outlinewidth": 0}
    # One call: plotly checks the whole layout in each, which takes most of the time that a figure takes.
    return framed(figure, height=side - _LEFT - _RIGHT + _TOP + below, top=_TOP, left=_LEFT).update_layout(
        width=side,
        margin_b=below,
        margin_r=_RIGHT,
        margin_pad=3,
        showlegend=False,
        clickmode="event+select",
        xaxis=fixed | {"range": (-0.5, shape[1] - 0.5)},
        yaxis=fixed | {"range": (shape[0] - 0.5, -0.5), "autorange": False, "scaleanchor": "x"},
        **({"coloraxis_colorbar": {**bar, **ticks, "title": title}} if unit else {}),
    )


def _clickable(figure: go.Figure, shape: tuple[int, int], texts: list[str]) -> go.Figure:
    # Heat maps and pictures emit no clicks; an almost transparent layer of marks does.
    rows, columns = (part.ravel() for part in np.indices(shape))
    still = {"marker": {"opacity": 0.01}}
    return figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"symbol": "square", "size": _CELL, "color": NEUTRAL, "opacity": 0.01},
        selected=still,
        unselected=still,
        customdata=[f"{row},{column}" for row, column in zip(rows, columns, strict=True)],
        text=texts,
        hovertemplate="row %{y}, column %{x}<br>%{text}<extra></extra>",
        showlegend=False,
    )
