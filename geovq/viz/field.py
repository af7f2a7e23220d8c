"""A plane of latent space in two panels, magnification and landmarks; and the traces that other planes share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.catalogue.output_geometries import PIXEL, OutputGeometry
from geovq.viz.arrays import Array
from geovq.viz.layout import EQUAL_AXIS, LABELLED, side_by_side
from geovq.viz.palette import NEUTRAL, QUALITATIVE, SEQUENTIAL

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "pentagon", "star", "hexagon")
WHITE_EDGE = {"color": "white", "width": 6}


@dataclass(frozen=True)
class FieldMap:
    """log10 magnification on a regular map.

    Attributes
    ----------
    x, y : arrays of shape (nx,), (ny,)
        Latent units.
    log10_magnification : array of shape (ny, nx)
        NaN where it is not known.
    geometry : OutputGeometry
        Of the images; says the unit.
    """

    x: Float[Array, " nx"]
    y: Float[Array, " ny"]
    log10_magnification: Float[Array, "ny nx"]
    geometry: OutputGeometry = PIXEL

    @property
    def title(self) -> str:
        """What the colours mean, with the unit."""
        return f"log₁₀ magnification<br>({self.geometry.squared} per latent²)"

    def limits(self) -> tuple[float, float]:
        """Ends of the colour scale; the lowest twentieth of the values, which spans decades, is clipped."""
        known = self.log10_magnification[np.isfinite(self.log10_magnification)]
        low, high = float(np.quantile(known, 0.05)), float(known.max())
        return (low, high) if high > low else (low - 0.5, high + 0.5)


@dataclass(frozen=True)
class Grouping:
    """What landmarks are coloured by.

    Attributes
    ----------
    labels : array of shape (N,)
        Group of each landmark.
    names : sequence of str
        Of the groups.
    colours : sequence of int
        Index into `QUALITATIVE` of each group.
    in_legend : bool
        Whether the legend names groups. Where groups share a colour it cannot, and they are named on hover only.
    """

    labels: Int[Array, " N"]
    names: Sequence[str]
    colours: Sequence[int]
    in_legend: bool


def field_figure(
    field: FieldMap,
    ellipses: Float[Array, "m points 2"],
    positions: Float[Array, "N 2"],
    grouping: Grouping,
    edges: Float[Array, "E 2 2"] | None,
    *,
    axis_titles: tuple[str, str],
    height: int = 500,
) -> go.Figure:
    """Two views of one plane on common axes of equal scale; a click on either picks a landmark (`customdata`).

    Parameters
    ----------
    field : FieldMap
    ellipses : array of shape (m, points, 2)
        Closed outlines of steps that change the image equally; may be none.
    positions : array of shape (N, 2)
        Landmarks.
    grouping : Grouping
    edges : array of shape (E, 2, 2), optional
        End points of edges to draw under the landmarks.
    axis_titles : (str, str)
    """
    figure = side_by_side(["How much the picture changes", "What lies there"], height=height, left=LABELLED)
    left: list[go.Scatter | go.Heatmap | go.Scattergl] = [heat_map(field), *ellipse_outlines(ellipses)]
    # Heat maps and lines emit no clicks; an almost transparent layer of the landmarks does, if it has a hover text.
    everyone = np.arange(len(positions))
    hover = "landmark %{customdata}<extra></extra>"
    left.append(_cloud(positions, everyone, opacity=0.01, size=9, hovertemplate=hover))
    right: list[go.Scattergl] = []
    if edges is not None:
        x, y = broken_lines(edges)
        style = {"color": NEUTRAL, "width": 0.6}
        right.append(go.Scattergl(x=x, y=y, mode="lines", line=style, opacity=0.6, hoverinfo="skip", showlegend=False))
    right += landmark_traces(positions, grouping)
    figure.add_traces([*left, *right], rows=1, cols=[1] * len(left) + [2] * len(right))
    figure.update_layout(
        coloraxis=magnification_axis(field.limits(), field.title),
        legend={"y": -0.16, "yanchor": "top", "itemsizing": "constant"},
        clickmode="event+select",
    )
    return equal_axes(figure, axis_titles, 2)


def landmark_traces(positions: Float[Array, "N 2"], grouping: Grouping, *, size: float = 5) -> list[go.Scattergl]:
    """One cloud per colour, with a symbol of its own; `customdata` is the number of the landmark."""
    colours = np.asarray(grouping.colours)[grouping.labels]
    traces = []
    for colour in np.unique(colours):
        members = np.flatnonzero(colours == colour)
        names = [grouping.names[label] for label in grouping.labels[members]]
        traces.append(
            _cloud(
                positions,
                members,
                opacity=0.8,
                size=size,
                color=QUALITATIVE[colour % len(QUALITATIVE)],
                symbol=SYMBOLS[colour % len(SYMBOLS)],
                hovertext=names[0] if len(set(names)) == 1 else names,
                hovertemplate="landmark %{customdata}: %{hovertext}<extra></extra>",
                name=names[0],
                showlegend=grouping.in_legend,
            )
        )
    return traces


def group_traces(
    positions: Float[Array, "N 2"],
    groups: Sequence[tuple[str, Int[Array, " members"], dict[str, Any]]],
    *,
    kind: type[go.Scatter | go.Scattergl],
) -> list[go.Scatter | go.Scattergl]:
    """One cloud per group of landmarks, its size in the legend; `customdata` is the number of the landmark.

    Parameters
    ----------
    positions : array of shape (N, 2)
    groups : sequence of (str, array of int, dict)
        Name, landmarks and look of each group.
    kind : type
        `Scattergl` for thousands of landmarks.
    """
    return [
        kind(
            x=positions[members, 0].astype(np.float32),
            y=positions[members, 1].astype(np.float32),
            mode="markers",
            marker=marker,
            customdata=members,
            hovertemplate=f"landmark %{{customdata}}, {name}<extra></extra>",
            name=f"{name}: {len(members):,}",
            showlegend=True,
        )
        for name, members, marker in groups
    ]


def heat_map(field: FieldMap, *, opacity: float = 1.0) -> go.Heatmap:
    """Magnification in the colours of the figure's `coloraxis`."""
    return go.Heatmap(
        x=field.x,
        y=field.y,
        z=field.log10_magnification.astype(np.float32),
        coloraxis="coloraxis",
        opacity=opacity,
        hovertemplate="(%{x:.2f}, %{y:.2f})<br>log₁₀ magnification %{z:.2f}<extra></extra>",
    )


def ellipse_outlines(ellipses: Float[Array, "m points 2"]) -> list[go.Scatter]:
    """Closed outlines, white on a dark edge, readable on every colour of the map; no traces if there are none."""
    if not len(ellipses):
        return []
    x, y = broken_lines(ellipses)
    lines = ({"color": "rgba(0,0,0,0.55)", "width": 3}, {"color": "white", "width": 1.3})
    return [go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False) for line in lines]


def magnification_axis(limits: tuple[float, float], title: str) -> dict[str, Any]:
    """Colour axis of the magnification."""
    bar = {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0, "len": 0.9}
    return {"colorscale": SEQUENTIAL, "cmin": limits[0], "cmax": limits[1], "colorbar": bar}


def mark_point(
    figure: go.Figure, letter: str, x: float, y: float, *, kind: type[go.Scatter | go.Scattergl] = go.Scatter
) -> None:
    """A dot with a letter above it, readable on every background; `Scattergl` where other clouds are drawn so."""
    dot = {"size": 11, "color": "white", "line": {"width": 2.5, "color": "black"}}
    figure.add_trace(kind(x=[x], y=[y], mode="markers", marker=dot, hoverinfo="skip", showlegend=False))
    look = {"font": {"color": "black", "size": 14}, "bgcolor": "white", "opacity": 0.9, "borderpad": 1}
    figure.add_annotation(x=x, y=y, text=f"<b>{letter}</b>", showarrow=False, yshift=18, **look)


def equal_axes(figure: go.Figure, axis_titles: tuple[str, str], n_panels: int) -> go.Figure:
    """Equal scales in both directions, with titles and units."""
    # Without this a heat map adds ticks, and its numbers stand lower than those of the panel beside it.
    figure.update_xaxes(**EQUAL_AXIS, ticks="", title_text=axis_titles[0])
    figure.update_yaxes(**EQUAL_AXIS, ticks="")
    for suffix in ["", *map(str, range(2, n_panels + 1))]:
        figure.layout[f"yaxis{suffix}"].scaleanchor = f"x{suffix}"
    figure.layout.yaxis.title.text = axis_titles[1]
    return figure


def broken_lines(lines: Float[Array, "m points 2"]) -> tuple[Array, Array]:
    """Many lines as one trace: coordinates with a gap, NaN, after each line."""
    padded = np.pad(lines.astype(np.float32), ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
    return padded[..., 0].ravel(), padded[..., 1].ravel()


def _cloud(
    positions: Array, members: Array, *, opacity: float, size: float, color: str = NEUTRAL, symbol: str = "circle",
    showlegend: bool = False, **more: object,
) -> go.Scattergl:  # fmt: skip
    return go.Scattergl(
        x=positions[members, 0].astype(np.float32),
        y=positions[members, 1].astype(np.float32),
        mode="markers",
        marker={"size": size, "color": color, "symbol": symbol, "opacity": opacity},
        customdata=members,
        showlegend=showlegend,
        # A pick is shown in another figure, so other marks are not dimmed.
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
        **more,
    )
