"""An image while a prior draws it: the picture and the tokens so far, and the cells that follow."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.images import grey_tiles, png_uri
from geovq.viz.layout import side_by_side, square_cells
from geovq.viz.palette import NEUTRAL, QUALITATIVE

_STROKES = (0.5, 1.0, 1.5)  # x + y inside a unit cell; those of neighbouring cells meet
_SIDE = 250  # pixels of one panel
_MARK = QUALITATIVE[1]


def drawing_figure(
    image: Float[Array, "height width"], tokens: Int[Array, "H W"], n_drawn: int, colours: Sequence[int]
) -> go.Figure:
    """The picture so far beside the tokens so far, on the axes of the lattice; cells to come are hatched.

    Parameters
    ----------
    image : ndarray of shape (h, w)
        Decoded lattice, intensities in [0, 1].
    tokens : ndarray of shape (H, W)
        The whole lattice; only the first `n_drawn` cells in raster order are shown. The last of them is framed.
    n_drawn : int
    colours : sequence of int, one per code
        Indices into the qualitative colours.
    """
    height, width = tokens.shape
    figure = side_by_side(["the picture so far", "its tokens"], height=_SIDE + 60, horizontal_spacing=0.06)
    pitch = width / image.shape[1], height / image.shape[0]  # cells per pixel
    picture = go.Image(
        source=png_uri(grey_tiles(image)),
        x0=-0.5 + pitch[0] / 2,
        dx=pitch[0],
        y0=-0.5 + pitch[1] / 2,
        dy=pitch[1],
        hoverinfo="skip",
    )
    figure.add_trace(picture, row=1, col=1)
    figure.add_trace(_token_cells(tokens, n_drawn, colours), row=1, col=2)
    x, y = _hatching(height, width, n_drawn)
    for column in (1, 2):
        hatching = go.Scatter(
            x=x, y=y, mode="lines", line={"color": NEUTRAL, "width": 1}, hoverinfo="skip", showlegend=False
        )
        figure.add_trace(hatching, row=1, col=column)
        if n_drawn:
            row, place = divmod(n_drawn - 1, width)
            figure.add_shape(
                type="rect",
                x0=place - 0.5,
                x1=place + 0.5,
                y0=row - 0.5,
                y1=row + 0.5,
                line={"color": _MARK, "width": 3},
                row=1,
                col=column,
            )
    return square_cells(figure, (height, width), 2).update_layout(width=2 * _SIDE + 60)


def _token_cells(tokens: Int[Array, "H W"], n_drawn: int, colours: Sequence[int]) -> go.Heatmap:
    drawn = np.arange(tokens.size).reshape(tokens.shape) < n_drawn
    return go.Heatmap(
        z=np.where(drawn, np.asarray(colours)[tokens], np.nan),
        zmin=0,
        zmax=len(QUALITATIVE) - 1,
        colorscale=list(zip(np.linspace(0, 1, len(QUALITATIVE)).tolist(), QUALITATIVE, strict=True)),
        showscale=False,
        text=np.where(drawn, tokens.astype(str), ""),
        texttemplate="%{text}",
        textfont={"size": 12, "color": "white"},
        hovertemplate="row %{y}, column %{x}<br>code %{text}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )


def _hatching(height: int, width: int, n_drawn: int) -> tuple[list[float | None], list[float | None]]:
    """Diagonal strokes in every cell from `n_drawn` on, as one broken line."""
    x: list[float | None] = []
    y: list[float | None] = []
    for index in range(n_drawn, height * width):
        row, column = divmod(index, width)
        for offset in _STROKES:
            start, stop = max(0.0, offset - 1), min(1.0, offset)
            x += [column - 0.5 + start, column - 0.5 + stop, None]
            y += [row - 0.5 + offset - start, row - 0.5 + offset - stop, None]
    return x, y
