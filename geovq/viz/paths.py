"""Curves between two points: where they run, and how fast the picture changes along them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from geovq.catalogue.output_geometries import PIXEL, OutputGeometry
from geovq.viz.arrays import Array
from geovq.viz.field import WHITE_EDGE, FieldMap, equal_axes, heat_map, magnification_axis, mark_point
from geovq.viz.layout import AXIS, LABELLED, framed, side_by_side
from geovq.viz.palette import NEUTRAL, QUALITATIVE, Style

_STYLES = {
    "straight": Style(QUALITATIVE[0], "circle", "dash", "straight line"),
    "graph": Style(QUALITATIVE[2], "square", "dot", "graph geodesic"),
    "relaxed": Style(QUALITATIVE[1], "diamond", "solid", "relaxed geodesic"),
}


def curve_style(name: str) -> Style:
    """Style of a kind of curve: "straight", "graph" or "relaxed"."""
    return _STYLES.get(name, Style(NEUTRAL, "cross", "longdash", name))


@dataclass(frozen=True)
class DrawnCurve:
    """One curve between two points.

    Attributes
    ----------
    points : array of shape (T, 2)
        Latent units.
    step_lengths : array of shape (T - 1,)
        In the unit of the output geometry, per step.
    """

    points: Float[Array, "T 2"]
    step_lengths: Float[Array, " T-1"]


def curves_figure(
    field: FieldMap, curves: Mapping[str, DrawnCurve], *, axis_titles: tuple[str, str], height: int = 430
) -> go.Figure:
    """Curves from A to B over the magnification.

    Parameters
    ----------
    field : FieldMap
    curves : mapping of str to DrawnCurve
        By kind, as `curve_style` knows them.
    axis_titles : (str, str)
    """
    figure = go.Figure(heat_map(field, opacity=0.6))
    for name, curve in curves.items():
        style = curve_style(name)
        x, y = curve.points.astype(np.float32).T
        # A white edge keeps every colour apart from every part of the colour map.
        figure.add_scatter(x=x, y=y, mode="lines", line=WHITE_EDGE, hoverinfo="skip", showlegend=False)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 2.5},
            marker={"size": 5, "symbol": style.symbol, "color": style.colour},
            name=style.label,
            hovertemplate=f"{style.label}, step %{{pointNumber}}<extra></extra>",
        )
    first = next(iter(curves.values()))
    for letter, (x, y) in zip("AB", first.points[[0, -1]].tolist(), strict=True):
        mark_point(figure, letter, x, y)
    figure.update_layout(coloraxis=magnification_axis(field.limits(), field.title) | {"showscale": False})
    framed(figure, height=height, left=LABELLED, top=56)
    return equal_axes(figure, axis_titles, 1)


def pixel_speed_figure(
    curves: Mapping[str, DrawnCurve], geometry: OutputGeometry = PIXEL, *, height: int = 430
) -> go.Figure:
    """How far the picture moves in every step, and in all steps so far.

    Parameters
    ----------
    curves : mapping of str to DrawnCurve
        All with the same number of steps.
    geometry : OutputGeometry
        Names the unit of their lengths.
    """
    figure = side_by_side([geometry.speed, "Cumulative length"], height=height, horizontal_spacing=0.16, left=LABELLED)
    for name, curve in curves.items():
        style = curve_style(name)
        steps = np.asarray(curve.step_lengths, dtype=np.float32)
        look = {
            "mode": "lines+markers",
            "line": {"color": style.colour, "dash": style.dash, "width": 2.5},
            "marker": {"size": 5, "symbol": style.symbol, "color": style.colour},
            "name": style.label,
            "legendgroup": name,
        }
        speed = go.Scatter(x=np.arange(1, len(steps) + 1), y=steps, hovertemplate="step %{x}: %{y:.3f}", **look)
        summed = np.concatenate([[0], steps.cumsum()])
        length = go.Scatter(
            x=np.arange(len(summed)), y=summed, hovertemplate="after step %{x}: %{y:.3f}", showlegend=False, **look
        )
        figure.add_traces([speed, length], rows=[1, 1], cols=[1, 2])
    # The panels measure different things: side_by_side moves their axes together, which is right for steps only.
    figure.update_yaxes(**AXIS, matches=None, showticklabels=True, rangemode="tozero")
    figure.update_yaxes(title_text=f"{geometry.length} per step", col=1)
    figure.update_yaxes(title_text=geometry.length, col=2)
    figure.update_xaxes(**AXIS, title_text="step")
    return figure.update_layout(legend={"y": 1.12}, margin={"t": 64})
