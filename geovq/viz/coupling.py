"""How one cell of a lattice is coupled with the others: signed maps, and the pixels that it shares with one of them."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from geovq.viz.arrays import Array
from geovq.viz.cells import cell_maps_figure
from geovq.viz.lattice import corners_of, where_figure
from geovq.viz.palette import QUALITATIVE
from geovq.viz.token_cells import frame_cells

_OTHER = QUALITATIVE[0]
_Window = tuple[slice, slice]
_Cell = tuple[int, int]


def coupling_figure(
    maps: Mapping[str, Float[Array, "H W"]], is_coupled: Bool[Array, "H W"], position: _Cell
) -> go.Figure:
    """Maps of couplings under one diverging scale, the cell itself framed and left out of it.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (H, W)
        Title and values in [-1, 1].
    is_coupled : ndarray of shape (H, W)
        Cells that share pixels with the one at `position`; only these bear numbers, and clicks on these have
        `customdata`, "row,column".
    position : (int, int)
        Row and column.
    """
    own = np.zeros(is_coupled.shape, dtype=bool)
    own[position] = True
    others = is_coupled & ~own
    # Rounded as they are written: no "-0.00".
    shown = {title: np.round(np.where(others, values, 0.0), 2) + 0.0 for title, values in maps.items()}
    figure = cell_maps_figure(shown, unit="coupling (−1 to 1)", signed=True)
    for trace in figure.select_traces(selector={"mode": "text"}):
        kept = zip(trace.text, others.ravel(), strict=True)
        trace.text = [text.replace("-", "−") if is_other else "" for text, is_other in kept]
    rows, columns = np.nonzero(others)
    for panel in range(1, len(maps) + 1):
        figure.add_scatter(
            x=columns, y=rows, mode="markers", marker={"size": 30, "symbol": "square", "opacity": 0.01},
            selected={"marker": {"opacity": 0.01}}, unselected={"marker": {"opacity": 0.01}},
            customdata=[f"{row},{column}" for row, column in zip(rows, columns, strict=True)],
            text=[f"{value:+.3f}".replace("-", "−") for value in list(maps.values())[panel - 1][others]],
            hovertemplate="row %{y}, column %{x}<br>coupling %{text}<extra></extra>", showlegend=False,
            row=1, col=panel,
        )  # fmt: skip
    frame_cells(figure, own, len(maps))
    height, width = is_coupled.shape
    figure.update_xaxes(fixedrange=True, range=(-0.5, width - 0.5))
    figure.update_yaxes(fixedrange=True, range=(height - 0.5, -0.5), autorange=False)
    return figure.update_layout(clickmode="event+select")


def shared_pixels_figure(
    picture: Float[Array, "height width"],
    shape: tuple[int, int],
    cell: tuple[_Cell, _Window],
    other: tuple[_Cell, _Window],
) -> go.Figure:
    """The picture with two cells and their footprints, and the pixels in both of them shaded.

    Parameters
    ----------
    picture : ndarray of shape (h, w)
        Intensities in [0, 1].
    shape : (int, int)
        Rows and columns of the lattice.
    cell, other : ((int, int), (slice, slice))
        Row and column of a cell, and rows and columns of the pixels that it can change.
    """
    figure = where_figure(picture, shape, *cell)
    position, footprint = other
    box = corners_of(footprint, picture.shape, shape)
    square = {"x0": position[1] - 0.5, "x1": position[1] + 0.5, "y0": position[0] - 0.5, "y1": position[0] + 0.5}
    figure.add_shape(type="rect", **box, line={"color": _OTHER, "width": 2, "dash": "dot"})
    figure.add_shape(type="rect", **square, line={"color": _OTHER, "width": 3})
    if (both := shared_window(cell[1], footprint)) is not None:
        inside = corners_of(both, picture.shape, shape)
        figure.add_shape(type="rect", **inside, fillcolor="rgba(255, 255, 255, 0.35)", line_width=0)
    return figure


def shared_window(first: _Window, second: _Window) -> _Window | None:
    """Rows and columns of the pixels in both boxes; None if there are none."""
    rows, columns = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(first, second, strict=True))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None
