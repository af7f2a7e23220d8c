"""Steps of one cell in a plane: those that change the picture equally, and one standard deviation of the posterior."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes
from geovq.viz.layout import LABELLED, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE

_ROOM = 1.15  # from the middle to the frame, in longest half-axes
_FILL = "rgba(217, 102, 31, 0.18)"  # QUALITATIVE[1], thinned


def ellipse_figure(
    metric: Float[Array, "points 2"],
    posterior: Float[Array, "points 2"] | None,
    *,
    names: tuple[str, str],
    axis_titles: tuple[str, str],
    height: int = 300,
) -> go.Figure:
    """Outlines around the cell, on axes of equal scale.

    Parameters
    ----------
    metric : ndarray of shape (points, 2)
        Closed outline of steps that change the picture equally; filled.
    posterior : ndarray of shape (points, 2), optional
        Closed outline of one standard deviation; dashed.
    names : (str, str)
        Of the two, for the legend.
    axis_titles : (str, str)
    """
    figure = go.Figure()
    hover = "step (%{x:.3g}, %{y:.3g})<extra></extra>"
    lines = [(metric, names[0], {"color": QUALITATIVE[1], "width": 2.5}, {"fill": "toself", "fillcolor": _FILL})]
    if posterior is not None:
        lines.append((posterior, names[1], {"color": QUALITATIVE[0], "width": 2.5, "dash": "dash"}, {}))
    for outline, name, line, more in lines:
        x, y = outline.astype(np.float32).T
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name=name, hovertemplate=hover, **more)
    cross = {"symbol": "cross-thin", "size": 12, "line": {"width": 2, "color": NEUTRAL}}
    figure.add_scatter(x=[0], y=[0], mode="markers", marker=cross, hoverinfo="skip", showlegend=False)
    framed(figure, height=height, left=LABELLED, top=48)
    equal_axes(figure, axis_titles, 1)
    half = _ROOM * max(float(np.abs(outline).max()) for outline, *_ in lines)
    figure.update_xaxes(range=(-half, half))
    return figure.update_yaxes(range=(-half, half))
