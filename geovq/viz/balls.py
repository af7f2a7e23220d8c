"""A disc and a ball of the same number of landmarks around one of them."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes, group_traces, mark_point
from geovq.viz.layout import LABELLED, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE, tokenizer_style


def balls_figure(
    positions: Float[Array, "N 2"],
    centre: int,
    in_disc: Bool[Array, " N"],
    in_ball: Bool[Array, " N"],
    radius: float,
    *,
    axis_titles: tuple[str, str],
    height: int = 460,
) -> go.Figure:
    """Landmarks of a Euclidean disc and of a geodesic ball: only in the one, only in the other, in both, in none.

    Parameters
    ----------
    positions : array of shape (N, 2)
    centre : int
        The landmark around which both grow.
    in_disc, in_ball : arrays of bool of shape (N,)
    radius : float
        Of the disc, latent units; drawn as a circle.
    axis_titles : (str, str)
    """
    disc, ball = tokenizer_style("euclidean"), tokenizer_style("riemannian")
    neither, both = ~in_disc & ~in_ball, in_disc & in_ball
    looks = (
        ("in neither", neither, {"color": NEUTRAL, "symbol": "circle", "size": 3, "opacity": 0.45}),
        ("in both", both, {"color": QUALITATIVE[2], "symbol": "square", "size": 6}),
        ("only in the Euclidean disc", in_disc & ~in_ball, {"color": disc.colour, "symbol": "circle-open", "size": 7}),
        ("only in the geodesic ball", in_ball & ~in_disc, {"color": ball.colour, "symbol": ball.symbol, "size": 7}),
    )
    groups = [(name, np.flatnonzero(chosen), look) for name, chosen, look in looks]
    figure = go.Figure(group_traces(positions, groups, kind=go.Scattergl))
    x, y = (float(value) for value in positions[centre])
    figure.add_shape(
        type="circle",
        x0=x - radius,
        x1=x + radius,
        y0=y - radius,
        y1=y + radius,
        line={"color": disc.colour, "width": 2},
    )
    mark_point(figure, "A", x, y, kind=go.Scattergl)
    framed(figure, height=height, left=LABELLED, top=60).update_layout(legend={"itemsizing": "constant"})
    return equal_axes(figure, axis_titles, 1)
