"""Embeddings of landmarks in two dimensions, side by side."""

from collections.abc import Mapping

import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.field import Grouping, landmark_traces
from geovq.viz.layout import side_by_side


def embedding_figure(
    embeddings: Mapping[str, Float[Array, "N 2"]], grouping: Grouping, *, height: int = 440
) -> go.Figure:
    """Embeddings of the same landmarks in the same colours; axes have no unit, so they carry no numbers.

    Parameters
    ----------
    embeddings : mapping of str to ndarray of shape (N, 2)
        Title and coordinates.
    grouping : Grouping
        Of the N landmarks, in the same order.
    """
    figure = side_by_side(list(embeddings), height=height)
    for column, positions in enumerate(embeddings.values(), start=1):
        traces = landmark_traces(positions, grouping)
        for trace in traces:
            trace.update(legendgroup=trace.name, showlegend=grouping.in_legend and column == 1)
        figure.add_traces(traces, rows=1, cols=column)
        suffix = "" if column == 1 else str(column)
        figure.update_yaxes(scaleanchor=f"x{suffix}", constrain="domain", col=column)
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "automargin": False}
    figure.update_xaxes(**bare, matches=None, constrain="domain")
    figure.update_yaxes(**bare, matches=None)
    return figure.update_layout(legend={"y": -0.04, "yanchor": "top", "itemsizing": "constant"})
