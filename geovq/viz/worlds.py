"""A surface with known geometry and curves on it: its chart, and the surface in space."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.field import WHITE_EDGE, FieldMap, heat_map, magnification_axis, mark_point
from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import QUALITATIVE, SEQUENTIAL, Style

_LABELLED_AT = (0.35, 0.5, 0.65)  # of the way, so that letters of curves side by side do not cover each other
_STYLES = (
    Style(QUALITATIVE[7], "circle", "dash", "A"),
    Style(QUALITATIVE[8], "square", "solid", "B"),
    Style(QUALITATIVE[5], "diamond", "dot", "C"),
)


def chart_figure(
    field: FieldMap, curves: Mapping[str, Float[Array, "T 2"]], *, axis_titles: tuple[str, str], height: int = 380
) -> go.Figure:
    """Magnification of a chart, and curves on it, each with its letter.

    Parameters
    ----------
    field : FieldMap
    curves : mapping of str to array of shape (T, 2)
        At most three, by the name that is written beside them.
    axis_titles : (str, str)
    """
    figure = go.Figure(heat_map(field))
    for (name, points), style, place in zip(curves.items(), _STYLES, _LABELLED_AT, strict=False):
        x, y = points.astype(np.float32).T
        # A white edge keeps every colour apart from every part of the colour map.
        figure.add_scatter(x=x, y=y, mode="lines", line=WHITE_EDGE, hoverinfo="skip", showlegend=False)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": style.colour, "width": 3.5, "dash": style.dash},
            name=name,
            hovertemplate=f"curve {name}<extra></extra>",
        )
        at = round(place * (len(points) - 1))
        figure.add_annotation(
            x=float(x[at]), y=float(y[at]), text=f"<b>{name}</b>", showarrow=False, bgcolor="white",
            font={"color": "black", "size": 15}, borderpad=2,
        )  # fmt: skip
    for letter, (x, y) in zip(("start", "end"), next(iter(curves.values()))[[0, -1]].tolist(), strict=True):
        mark_point(figure, letter, x, y)
    known = field.log10_magnification
    figure.update_layout(
        coloraxis=magnification_axis((float(known.min()), float(known.max())), "log₁₀ magnification"), showlegend=False
    )
    framed(figure, height=height, left=LABELLED, top=12)
    # Axes of a chart may measure different things, an angle and a height: their scales need not be equal.
    figure.update_xaxes(**AXIS, ticks="", title_text=axis_titles[0])
    return figure.update_yaxes(**AXIS, ticks="", title_text=axis_titles[1])


def surface_figure(
    surface: Float[Array, "ny nx 3"],
    log10_magnification: Float[Array, "ny nx"],
    curves: Mapping[str, Float[Array, "T 3"]],
    *,
    eye: tuple[float, float, float] = (1.5, 1.3, 0.9),
    height: int = 380,
) -> go.Figure:
    """The surface in space with the same curves on it, seen from `eye`; drag to turn it."""
    x, y, z = np.moveaxis(surface.astype(np.float32), -1, 0)
    figure = go.Figure(
        go.Surface(
            x=x,
            y=y,
            z=z,
            surfacecolor=log10_magnification.astype(np.float32),
            colorscale=SEQUENTIAL,
            showscale=False,
            opacity=0.75,
            hoverinfo="skip",
            contours={axis: {"highlight": False} for axis in "xyz"},
        )
    )
    for (name, points), style in zip(curves.items(), _STYLES, strict=False):
        px, py, pz = points.astype(np.float32).T
        figure.add_scatter3d(
            x=px, y=py, z=pz, mode="lines", line={"color": style.colour, "width": 8}, name=name,
            hovertemplate=f"curve {name}<extra></extra>",
        )  # fmt: skip
    bare = {"visible": False}
    figure.update_scenes(
        aspectmode="data", xaxis=bare, yaxis=bare, zaxis=bare, camera_eye=dict(zip("xyz", eye, strict=True))
    )
    return framed(figure, height=height, top=40)
