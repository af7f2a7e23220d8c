"""Connected components of a neighbour graph against the number of neighbours."""

import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from geovq.viz.arrays import Array
from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE


def component_counts_figure(
    n_neighbors: Int[Array, " m"],
    n_components: Int[Array, " m"],
    largest_share: Float[Array, " m"],
    current: int,
    *,
    height: int = 300,
) -> go.Figure:
    """Components (log scale) and share of landmarks in the largest one, side by side; the k in use is marked.

    Parameters
    ----------
    n_neighbors, n_components, largest_share : arrays of shape (m,)
    current : int
        Neighbours in the graph of the run.
    """
    titles = ["Pieces before they are joined", "Landmarks in the largest piece (%)"]
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, horizontal_spacing=0.12)
    figure.update_annotations(font_size=14)
    panels = (
        (n_components, QUALITATIVE[0], "circle", "top right"),
        (100 * largest_share, QUALITATIVE[2], "square", "bottom right"),
    )
    for column, (values, colour, symbol, free_corner) in enumerate(panels, start=1):
        what = "%{y} pieces" if column == 1 else "%{y:.1f} % of the landmarks"
        curve = go.Scatter(
            x=n_neighbors,
            y=values,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 7},
            hovertemplate=f"k = %{{x}}: {what}<extra></extra>",
            showlegend=False,
        )
        figure.add_trace(curve, row=1, col=column)
        figure.add_vline(
            x=current,
            line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
            annotation={"text": f"this run: k = {current}", "font": {"size": 12}},
            annotation_position=free_corner,
            row=1,
            col=column,
        )
    figure.update_xaxes(**AXIS, title_text="neighbours k of each landmark", range=(0.4, float(n_neighbors[-1]) + 0.6))
    figure.update_yaxes(**AXIS)
    figure.update_yaxes(type="log", dtick=1, exponentformat="none", col=1)
    figure.update_yaxes(range=(0, 105), col=2)
    return framed(figure, height=height, top=36, left=LABELLED)
