"""Codes in the plane of latent space: their pictures in their places, and the cells around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, Int, UInt8

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes
from geovq.viz.images import png_uri
from geovq.viz.layout import LABELLED, side_by_side
from geovq.viz.overlay import painted_dots
from geovq.viz.palette import NEUTRAL, QUALITATIVE, map_colouring, rgb
from geovq.viz.patch_map import PatchMap

_QUIET, _STRONG = 115, 255  # opacity of the cells, and of the chosen one
_MANY = 100  # codes; more than that have small marks
_GROUND = 0.006  # diameter of a landmark, as a share of all
_MARGIN = 0.03  # around the cells, as a share of the longer side
_ENLARGED = 3  # pixels of the picture per place of the map, so that browsers do not blur it


@dataclass(frozen=True)
class PlacedCodes:
    """The codes of one tokenizer in the plane.

    Attributes
    ----------
    positions : array of shape (K, 2)
    pictures : PatchMap
        Patches of the codes over the plane.
    texts : sequence of K str
        Shown on hover.
    landmarks : array of shape (N, 2)
        Drawn below the codes.
    """

    positions: Float[Array, "K 2"]
    pictures: PatchMap
    texts: Sequence[str]
    landmarks: Float[Array, "N 2"]


def placed_codes_figure(
    codes: Mapping[str, PlacedCodes], *, axis_titles: tuple[str, str], height: int = 480
) -> go.Figure:
    """Patches where their codes lie, one panel per tokenizer; codes without room for one are dots. A click names one.

    `customdata` is the number of the panel and the code.
    """
    figure = side_by_side(list(codes), height=height, left=LABELLED)
    for panel, part in enumerate(codes.values()):
        dots = np.flatnonzero(~part.pictures.is_drawn)
        ground = painted_dots(part.landmarks, rgb([NEUTRAL]), size=_GROUND, opacity=0.35)
        small = _dots(part.positions[dots], 6, QUALITATIVE[1], 0.9)
        small.marker.symbol = "diamond"
        figure.add_trace(small, row=1, col=panel + 1)
        suffix = "" if panel == 0 else str(panel + 1)
        ground.lay_under(figure, suffix=suffix)
        part.pictures.lay_over(figure, suffix=suffix)
        # Pictures emit no clicks; almost transparent marks over them do, if they have a hover text.
        pointer = _dots(part.positions, 22, NEUTRAL, 0.01)
        pointer.update(
            # A list, since a click would give back an array in another form.
            customdata=[[panel, code] for code in range(len(part.positions))],
            hovertext=list(part.texts),
            hoverinfo="text",
            selected={"marker": {"opacity": 0.01}},
            unselected={"marker": {"opacity": 0.01}},
        )
        figure.add_trace(pointer, row=1, col=panel + 1)
    figure.update_layout(clickmode="event+select", showlegend=False)
    equal_axes(figure, axis_titles, len(codes))
    return _within(figure, [(part.pictures.low, part.pictures.high) for part in codes.values()])


def cells_figure(
    maps: Mapping[str, Int[Array, "ny nx"]],
    x: Float[Array, " nx"],
    y: Float[Array, " ny"],
    medoids: Float[Array, "K 2"],
    chosen: int,
    *,
    axis_titles: tuple[str, str],
    height: int = 460,
) -> go.Figure:
    """Cells of the same codes under several distances, side by side, one code emphasised.

    Parameters
    ----------
    maps : mapping of str to array of int of shape (ny, nx)
        Title and code of every place; negative where there is none.
    x, y : arrays of shape (nx,), (ny,)
        Coordinates of the places.
    medoids : array of shape (K, 2)
    chosen : int
        Code whose cell is full in colour and outlined.
    axis_titles : (str, str)
    """
    figure = side_by_side(list(maps), height=height, left=LABELLED)
    colours = map_colouring(medoids)
    pitch = float(x[1] - x[0]) / _ENLARGED, float(y[1] - y[0]) / _ENLARGED
    low = float(x[0]) - (_ENLARGED - 1) / 2 * pitch[0], float(y[0]) - (_ENLARGED - 1) / 2 * pitch[1]
    for column, codes in enumerate(maps.values(), start=1):
        picture = go.Image(
            source=png_uri(_painted(codes, colours, chosen)), x0=low[0], dx=pitch[0], y0=low[1], dy=pitch[1],
            hoverinfo="skip",
        )  # fmt: skip
        figure.add_traces([picture, *_diamonds(medoids, chosen)], rows=1, cols=column)
    figure.update_layout(showlegend=False)
    equal_axes(figure, axis_titles, len(maps))
    corners = np.array([x[0], y[0]]), np.array([x[-1], y[-1]])
    margin = _MARGIN * float((corners[1] - corners[0]).max())
    return _within(figure, [(corners[0] - margin, corners[1] + margin)])


def _painted(codes: Int[Array, "ny nx"], colours: Int[Array, " K"], chosen: int) -> UInt8[Array, "rows columns 4"]:
    fine = codes.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
    picture = np.zeros((*fine.shape, 4), dtype=np.uint8)
    picture[..., :3] = rgb(QUALITATIVE)[colours[fine]]
    picture[..., 3] = np.where(fine < 0, 0, np.where(fine == chosen, _STRONG, _QUIET))
    picture[_edges(fine) & (fine >= 0), 3] = 230
    outline = _edges(fine == chosen)
    for _ in range(2):  # three pixels wide, so that it is seen on every background
        outline = outline | np.roll(outline, 1, axis=0) | np.roll(outline, 1, axis=1)
    picture[outline] = (0, 0, 0, 255)
    picture[outline & (fine == chosen)] = (255, 255, 255, 255)
    return picture


def _edges(fine: Int[Array, "rows columns"] | Bool[Array, "rows columns"]) -> Bool[Array, "rows columns"]:
    edges = np.zeros(fine.shape, dtype=bool)
    edges[:, 1:] |= fine[:, 1:] != fine[:, :-1]
    edges[1:] |= fine[1:] != fine[:-1]
    return edges


def _diamonds(medoids: Float[Array, "K 2"], chosen: int) -> list[go.Scatter]:
    is_crowded = len(medoids) > _MANY
    everyone = _dots(medoids, 4 if is_crowded else 8, "white", 1)
    everyone.marker.update(symbol="diamond", line={"width": 0.7 if is_crowded else 1.2, "color": "black"})
    everyone.update(customdata=np.arange(len(medoids)), hovertemplate="code %{customdata}<extra></extra>")
    own = _dots(medoids[[chosen]], 11, "white", 1)
    own.marker.update(symbol="diamond", line={"width": 3, "color": "black"})
    own.update(hovertemplate=f"code {chosen}<extra></extra>")
    return [everyone, own]


def _dots(
    points: Float[Array, "n 2"],
    size: float,
    colour: str,
    opacity: float,
) -> go.Scatter:
    x, y = points.astype(np.float32).T
    marker = {"size": size, "color": colour, "opacity": opacity}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip")


def _within(figure: go.Figure, corners: Sequence[tuple[Array, Array]]) -> go.Figure:
    # Images do not count when ranges are found, and would turn the y axis around.
    low, high = np.min([low for low, _ in corners], axis=0), np.max([high for _, high in corners], axis=0)
    figure.update_xaxes(range=(float(low[0]), float(high[0])))
    return figure.update_yaxes(range=(float(low[1]), float(high[1])))
