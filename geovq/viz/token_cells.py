"""Token grids whose cells are marked or clicked, and pictures on the axes of their lattice."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, UInt8

from geovq.viz.arrays import Array
from geovq.viz.field import broken_lines
from geovq.viz.images import png_uri
from geovq.viz.layout import side_by_side, square_cells
from geovq.viz.palette import NEUTRAL, QUALITATIVE

_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * 0.45  # of a cell of side 1
_SIDE = 190  # pixels of one picture


def frame_cells(figure: go.Figure, mask: Bool[Array, "H W"], n_panels: int) -> go.Figure:
    """Frame the cells of a mask in every panel of a figure of grids: white on black, seen on every colour."""
    rows, columns = np.nonzero(mask)
    x, y = broken_lines(np.stack([columns, rows], axis=1)[:, None] + _CORNERS)
    for panel in range(1, n_panels + 1):
        for colour, width in (("black", 4), ("white", 2)):
            line = {"color": colour, "width": width}
            figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False, row=1, col=panel)
    return figure


def clickable_cells(figure: go.Figure, shape: tuple[int, int]) -> go.Figure:
    """Almost transparent marks over cells, since heat maps emit no clicks; `customdata` is row and column."""
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"size": 32, "symbol": "square", "opacity": 0.01},
        selected={"marker": {"opacity": 0.01}},
        unselected={"marker": {"opacity": 0.01}},
        # A list, since a click would give back an array in another form.
        customdata=np.stack([rows, columns], axis=1).tolist(),
        hovertemplate="row %{y}, column %{x}: click to edit<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(fixedrange=True, range=(-0.5, shape[1] - 0.5))  # marks would widen the axes
    figure.update_yaxes(fixedrange=True, range=(shape[0] - 0.5, -0.5), autorange=False)
    return figure.update_layout(clickmode="event+select")


def lattice_pictures_figure(
    pictures: Mapping[str, UInt8[Array, "height width 4"]], shape: tuple[int, int], cell: tuple[int, int]
) -> go.Figure:
    """Pictures side by side on the axes of the lattice, one cell framed.

    Parameters
    ----------
    pictures : mapping of str to array of shape (h, w, 4)
        Title and tile of each.
    shape : (int, int)
        Rows and columns of the lattice.
    cell : (int, int)
        Row and column to frame.
    """
    height, width = shape
    figure = side_by_side(list(pictures), height=_SIDE + 60, horizontal_spacing=0.05)
    for panel, picture in enumerate(pictures.values(), start=1):
        pitch = width / picture.shape[1], height / picture.shape[0]  # cells per pixel
        trace = go.Image(
            source=png_uri(picture), x0=-0.5 + pitch[0] / 2, dx=pitch[0], y0=-0.5 + pitch[1] / 2, dy=pitch[1],
            hoverinfo="skip",
        )  # fmt: skip
        figure.add_trace(trace, row=1, col=panel)
        row, column = cell
        corners = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
        figure.add_shape(type="rect", **corners, line={"color": QUALITATIVE[1], "width": 3}, row=1, col=panel)
        outline = {"x0": -0.5, "x1": width - 0.5, "y0": -0.5, "y1": height - 0.5}
        figure.add_shape(type="rect", **outline, line={"color": NEUTRAL, "width": 1}, row=1, col=panel)
    return square_cells(figure, shape, len(pictures)).update_layout(width=_SIDE * len(pictures) + 60)
