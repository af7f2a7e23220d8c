"""A search for medoids, pass by pass: labels of the landmarks, medoids that moved, and the cost."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from geovq.viz.arrays import Array
from geovq.viz.field import broken_lines
from geovq.viz.layout import AXIS, EQUAL_AXIS, LABELLED, framed
from geovq.viz.overlay import painted_dots
from geovq.viz.palette import NEUTRAL, QUALITATIVE, map_colouring, rgb

_MANY = 100  # medoids; more than that have small marks
_LANDMARK = 0.011  # diameter, as a share of all
_HERE, _ALL = QUALITATIVE[1], QUALITATIVE[0]


def medoid_steps_figure(
    positions: Float[Array, "N 2"],
    labels: Int[Array, " N"],
    medoids: Int[Array, "steps K"],
    costs: Float[Array, " steps"],
    step: int,
    *,
    axis_titles: tuple[str, str],
    cost_title: str,
    height: int = 480,
) -> go.Figure:
    """The plane at one step beside the cost of all steps.

    Parameters
    ----------
    positions : array of shape (N, 2)
        Landmarks in the plane.
    labels : array of shape (N,)
        Code of each landmark at this step.
    medoids : array of int of shape (n_steps, K)
        Medoids among the landmarks at the start and after every pass.
    costs : array of shape (n_steps,)
    step : int
        Index into `medoids` and `costs`.
    axis_titles : (str, str)
    cost_title : str
        Name and unit of the cost.
    """
    figure = make_subplots(rows=1, cols=2, column_widths=[0.66, 0.34], horizontal_spacing=0.12)
    now, before = positions[medoids[step]], positions[medoids[max(step - 1, 0)]]
    # Colours belong to codes and are those of the last step, so that a code keeps its own while its medoid moves.
    colours = map_colouring(positions[medoids[-1]])
    moved = np.flatnonzero(medoids[step] != medoids[max(step - 1, 0)])
    ways = broken_lines(np.stack([before[moved], now[moved]], axis=1))
    quiet, is_crowded = {"showlegend": False}, len(now) > _MANY
    figure.add_traces(
        [
            go.Scatter(x=ways[0], y=ways[1], mode="lines", line={"color": NEUTRAL, "width": 2}, **quiet),
            _marks(before[moved], NEUTRAL, size=7, symbol="diamond-open"),
            _marks(
                now,
                np.asarray(QUALITATIVE)[colours],
                size=6 if is_crowded else 10,
                symbol="diamond",
                edge=1,
                hover="code %{customdata}<extra></extra>",
            ),
        ],
        rows=1,
        cols=1,
    )
    steps = np.arange(len(costs))
    shared = {"hovertemplate": "after pass %{x}: %{y:.4g}<extra></extra>", **quiet}
    line = go.Scatter(x=steps, y=costs, mode="lines+markers", line={"color": _ALL, "width": 2}, **shared)
    mark = {"size": 13, "symbol": "diamond", "color": _HERE}
    here = go.Scatter(x=[step], y=[costs[step]], mode="markers", marker=mark, **shared)
    figure.add_traces([line, here], rows=1, cols=2)
    ground = painted_dots(positions, rgb(QUALITATIVE)[colours[labels]], size=_LANDMARK, opacity=0.6)
    ground.lay_under(figure)
    (left, bottom), (right, top) = ground.low.tolist(), ground.high.tolist()
    figure.update_xaxes(**EQUAL_AXIS, title_text=axis_titles[0], range=(left, right), col=1)
    figure.update_yaxes(**EQUAL_AXIS, title_text=axis_titles[1], range=(bottom, top), scaleanchor="x", col=1)
    figure.update_xaxes(**AXIS, title_text="pass (0: the start)", dtick=max(1, len(costs) // 8), col=2)
    figure.update_yaxes(**AXIS, title_text=cost_title, rangemode="tozero", col=2)
    return framed(figure, height=height, left=LABELLED)


def _marks(
    points: Float[Array, "n 2"],
    colour: object,
    *,
    size: float,
    symbol: str,
    edge: float = 0.0,
    hover: str | None = None,
) -> go.Scatter:
    x, y = points.astype(np.float32).T
    edges = {"width": edge, "color": "white"}
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": size, "symbol": symbol, "color": colour, "line": edges},
        customdata=np.arange(len(points)),
        hovertemplate=hover,
        hoverinfo="skip" if hover is None else None,
        showlegend=False,
    )
