"""A plane of latent space in one panel: magnification, with ellipses and landmarks over it."""

import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.field import FieldMap, ellipse_outlines, equal_axes, heat_map, magnification_axis
from geovq.viz.layout import LABELLED, framed
from geovq.viz.overlay import painted_dots
from geovq.viz.palette import rgb

_LANDMARK = 0.008  # diameter, as a share of all


def plane_figure(
    field: FieldMap,
    ellipses: Float[Array, "m points 2"],
    positions: Float[Array, "N 2"],
    *,
    axis_titles: tuple[str, str],
    height: int = 360,
) -> go.Figure:
    """Magnification as colour, landmarks as dots, ellipses as outlines.

    Parameters
    ----------
    field : FieldMap
    ellipses : array of shape (m, points, 2)
        Closed outlines of steps that change the image equally; may be none.
    positions : array of shape (N, 2)
        Landmarks.
    axis_titles : (str, str)
    """
    figure = go.Figure([heat_map(field), *ellipse_outlines(ellipses)])
    painted_dots(positions, rgb(["#ffffff"]), size=_LANDMARK, opacity=0.35).lay_over(figure)
    figure.update_layout(coloraxis=magnification_axis(field.limits(), field.title))
    return equal_axes(framed(figure, height=height, left=LABELLED), axis_titles, 1)
