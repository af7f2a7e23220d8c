"""Neighbours of one point under several distances: as a list with ranks, and in the plane."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes, group_traces, mark_point
from geovq.viz.images import grey_tiles, mosaic, png_uri
from geovq.viz.layout import LABELLED, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE, Style, tokenizer_style

EUCLIDEAN = Style(tokenizer_style("euclidean").colour, "circle", "dash", "Euclidean")
GEODESIC = Style(tokenizer_style("riemannian").colour, "diamond", "solid", "geodesic")

_PATCH, _PITCH, _CELL, _HEAD = 44, 62, 67, 40  # pixels: a picture, a row, a column, the heading
_LEFT = 50  # pixels before the first column
_NEARER, _FURTHER = QUALITATIVE[0], QUALITATIVE[1]
_NUMBERS = 11  # font size
_MARGIN = 0.25  # around what a map of neighbours must show, as a share of it
_REACH = 2.0  # landmarks are drawn up to this many half-widths from the middle, since the panel may be wider than high


@dataclass(frozen=True)
class NeighbourList:
    """The nearest landmarks by one of several distances.

    Attributes
    ----------
    landmarks : array of shape (k,)
        Nearest first.
    patches : array of shape (k, h, w)
        Intensities.
    ranks, distances : arrays of shape (k, columns)
        Under each of the distances.
    headings : sequence of str
        Of the columns, with units.
    own : int
        Column that the list is sorted by.
    """

    landmarks: Int[Array, " k"]
    patches: Float[Array, "k h w"]
    ranks: Int[Array, "k columns"]
    distances: Float[Array, "k columns"]
    headings: Sequence[str]
    own: int


def neighbour_list_figure(neighbours: NeighbourList) -> go.Figure:
    """One row per neighbour: its picture, and its rank and distance in every column; a click names the landmark.

    In columns that the list is not sorted by, an arrow and a sign say how far the rank moves: up is nearer there.
    Everything is laid out in pixels, so that rows of several lists stand at the same height.
    """
    k, n_columns = neighbours.ranks.shape
    width, height = _LEFT + _CELL * n_columns, _HEAD + _PITCH * k
    tops = _HEAD + _PITCH * np.arange(k)
    figure = go.Figure(_pictures(neighbours.patches))
    centres = _LEFT + _CELL * (np.arange(n_columns) + 0.5)
    headings = [f"<b>{text}</b>" if i == neighbours.own else text for i, text in enumerate(neighbours.headings)]
    figure.add_scatter(
        x=[*centres, *np.tile(centres, k), *np.full(k, _PATCH / 2)],
        y=[*np.full(n_columns, _HEAD / 2 - 4), *np.repeat(tops + _PATCH / 2, n_columns), *(tops + _PATCH + 7)],
        mode="text",
        text=[*headings, *_cells(neighbours), *(f"#{landmark}" for landmark in neighbours.landmarks)],
        textfont={"size": _NUMBERS},
        hoverinfo="skip",
        showlegend=False,
    )
    # Pictures emit no clicks; almost transparent marks over them do.
    figure.add_scatter(
        x=np.full(k, _PATCH / 2),
        y=tops + _PATCH / 2,
        mode="markers",
        marker={"size": _PATCH, "symbol": "square", "opacity": 0.01},
        selected={"marker": {"opacity": 0.01}},
        unselected={"marker": {"opacity": 0.01}},
        customdata=neighbours.landmarks,
        hovertemplate="landmark %{customdata}: click to ask for its neighbours<extra></extra>",
        showlegend=False,
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(**hidden, range=(0, width), constrain="domain")
    figure.update_yaxes(**hidden, range=(height, 0), scaleanchor="x", constrain="domain")
    framed(figure, height=height, top=0)
    return figure.update_layout(width=width, margin={"l": 0, "r": 0, "t": 0, "b": 0}, clickmode="event+select")


def neighbours_figure(
    positions: Float[Array, "N 2"],
    query: int,
    euclidean: Int[Array, " k"],
    geodesic: Int[Array, " k"],
    *,
    axis_titles: tuple[str, str],
    height: int = 400,
) -> go.Figure:
    """The nearest landmarks by two distances around the query, enlarged until they fill the map.

    Parameters
    ----------
    positions : array of shape (N, 2)
        All landmarks.
    query : int
    euclidean, geodesic : arrays of int of shape (k,)
        Neighbours by number.
    axis_titles : (str, str)
    """
    both = np.intersect1d(euclidean, geodesic)
    shown = positions[[query, *euclidean, *geodesic]]
    middle = (shown.max(axis=0) + shown.min(axis=0)) / 2
    half = (0.5 + _MARGIN) * float((shown.max(axis=0) - shown.min(axis=0)).max()) or 1.0
    in_view = np.flatnonzero((abs(positions - middle) <= _REACH * half).all(axis=1))
    others = np.setdiff1d(in_view, [query, *euclidean, *geodesic])
    groups = (
        ("in neither", others, {"color": NEUTRAL, "symbol": "circle", "size": 4, "opacity": 0.5}),
        ("in both", both, {"color": QUALITATIVE[2], "symbol": "square", "size": 9}),
        (
            "only Euclid",
            np.setdiff1d(euclidean, both),
            {"color": EUCLIDEAN.colour, "symbol": "circle-open", "size": 10, "line": {"width": 2.5}},
        ),
        ("only geodesic", np.setdiff1d(geodesic, both), {"color": GEODESIC.colour, "symbol": "diamond", "size": 10}),
    )
    traces = group_traces(positions, groups, kind=go.Scatter)
    traces[0].showlegend = False
    figure = go.Figure(traces)
    x, y = positions[query]
    mark_point(figure, "query", float(x), float(y))
    framed(figure, height=height, left=LABELLED, top=60).update_layout(legend={"itemsizing": "constant"})
    equal_axes(figure, axis_titles, 1)
    for axis, centre in zip((figure.layout.xaxis, figure.layout.yaxis), middle.tolist(), strict=True):
        axis.range = (centre - half, centre + half)
    return figure


def _pictures(patches: Float[Array, "k h w"]) -> go.Image:
    """All patches in one column of one picture, as high as the rows of the list."""
    rows = patches.shape[1]
    gap = round(rows * (_PITCH - _PATCH) / _PATCH)
    picture = mosaic(grey_tiles(patches)[:, None], row_gap=gap)
    dx, dy = _PATCH / patches.shape[2], _PITCH / (rows + gap)
    return go.Image(source=png_uri(picture), x0=dx / 2, dx=dx, y0=_HEAD - (gap - 0.5) * dy, dy=dy, hoverinfo="skip")


def _cells(neighbours: NeighbourList) -> list[str]:
    """Rank, move and distance of every neighbour in every column, row by row."""
    own_ranks = neighbours.ranks[:, neighbours.own].tolist()
    texts = []
    for own_rank, ranks, distances in zip(own_ranks, neighbours.ranks, neighbours.distances, strict=True):
        for column, (rank, distance) in enumerate(zip(ranks.tolist(), distances.tolist(), strict=True)):
            is_own = column == neighbours.own
            middle = " " if is_own else _move(own_rank - rank)
            texts.append(f"{f'<b>{rank}</b>' if is_own else f'{rank:,}'}<br>{middle}<br>{distance:.3g}")
    return texts


def _move(places: int) -> str:
    if places == 0:
        return "= 0"
    colour, arrow, sign = (_NEARER, "▲", "+") if places > 0 else (_FURTHER, "▼", "−")
    return f'<span style="color:{colour}">{arrow}</span> {sign}{abs(places):,}'
