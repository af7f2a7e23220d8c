"""Where two distances agree on the neighbours of a landmark, as a map over the plane."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes
from geovq.viz.layout import LABELLED, framed
from geovq.viz.palette import NEUTRAL, SEQUENTIAL

_SMALL, _LARGE = 5.0, 12.0  # of marks, from full agreement to none


def landmark_plane_figure(
    positions: Float[Array, "N 2"], *, axis_titles: tuple[str, str], height: int = 400
) -> go.Figure:
    """All landmarks in the plane; `customdata` of a click is the number of the landmark."""
    figure = go.Figure(_landmarks(positions, size=5, opacity=0.55))
    figure.update_traces(hovertemplate="landmark %{customdata}<extra></extra>")
    framed(figure, height=height, left=LABELLED, top=60).update_layout(clickmode="event+select", showlegend=False)
    return equal_axes(figure, axis_titles, 1)


def agreement_figure(
    positions: Float[Array, "N 2"],
    members: Int[Array, " n"],
    values: Float[Array, " n"],
    *,
    title: str,
    limits: tuple[float, float],
    axis_titles: tuple[str, str],
    height: int = 520,
) -> go.Figure:
    """One mark per landmark with a value, large and dark where the distances disagree; a click gives its number.

    Parameters
    ----------
    positions : array of shape (N, 2)
        All landmarks; those without a value are grey.
    members : array of int of shape (n,)
        Landmarks whose neighbours were found.
    values : array of shape (n,)
        Agreement of each; NaN where it is not defined.
    title : str
        Of the colour bar, with its unit.
    limits : (float, float)
        Values of no and of full agreement: ends of colours and sizes.
    axis_titles : (str, str)
    """
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(-values[known], kind="stable")]  # the least agreement is drawn last, on top
    shares = np.clip((values[order] - limits[0]) / (limits[1] - limits[0]), 0, 1)
    figure = go.Figure(_landmarks(positions, size=2.5, opacity=0.4))
    figure.update_traces(hoverinfo="skip")
    figure.add_scattergl(
        x=positions[members[order], 0].astype(np.float32),
        y=positions[members[order], 1].astype(np.float32),
        mode="markers",
        marker={
            "size": _LARGE - (_LARGE - _SMALL) * shares,
            "color": values[order].astype(np.float32),
            "coloraxis": "coloraxis",
            "line": {"width": 0.8, "color": NEUTRAL},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        customdata=members[order],
        hovertemplate="landmark %{customdata}: %{marker.color:.2f}<extra></extra>",
    )
    bar = {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0, "len": 0.9}
    framed(figure, height=height, left=LABELLED).update_layout(
        coloraxis={"colorscale": SEQUENTIAL, "cmin": limits[0], "cmax": limits[1], "colorbar": bar},
        clickmode="event+select",
        showlegend=False,
    )
    return equal_axes(figure, axis_titles, 1)


def _landmarks(positions: Float[Array, "N 2"], *, size: float, opacity: float) -> go.Scattergl:
    return go.Scattergl(
        x=positions[:, 0].astype(np.float32),
        y=positions[:, 1].astype(np.float32),
        mode="markers",
        marker={"size": size, "color": NEUTRAL, "opacity": opacity},
        # A pick is shown in another figure, so other marks are not dimmed.
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
        customdata=np.arange(len(positions)),
    )
