"""What all figures share: margins, quiet axes, side-by-side subplots of equal scale."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from geovq.viz.palette import GRID

LABELLED = 70  # left margin, in pixels, of figures whose axis has a title and numbers
_LABELLED_BELOW = 42
AXIS = {
    "showgrid": True,
    "gridcolor": GRID,
    "gridwidth": 1,
    "zeroline": False,
    "title_standoff": 8,
    "automargin": True,
}
# Margins of axes of equal scale are fixed: to find them, plotly would lay such figures out several times.
EQUAL_AXIS = {**AXIS, "automargin": False, "constrain": "domain"}
CELL_AXIS = {"showgrid": False, "zeroline": False, "dtick": 1, "constrain": "domain", "automargin": False}
_CELL_ROOM = {"l": 48, "b": 52}


def square_cells(figure: go.Figure, shape: tuple[int, ...], n_panels: int) -> go.Figure:
    """Axes over the cells of a lattice in every panel: cells are square, the first row is on top."""
    figure.update_xaxes(**CELL_AXIS, title_text="column", title_standoff=10, range=(-0.5, shape[1] - 0.5))
    figure.update_yaxes(**CELL_AXIS, range=(shape[0] - 0.5, -0.5))
    figure.update_yaxes(title_text="row", title_standoff=10, col=1)
    for column in range(1, n_panels + 1):
        suffix = "" if column == 1 else str(column)
        figure.update_yaxes(scaleanchor=f"x{suffix}", col=column)
    return figure.update_layout(margin=_CELL_ROOM)


def side_by_side(titles: Sequence[str], *, height: int, horizontal_spacing: float = 0.05, left: int = 8) -> go.Figure:
    """Empty subplots in one row whose axes move together."""
    figure = make_subplots(
        rows=1,
        cols=len(titles),
        subplot_titles=list(titles) if len(titles) > 1 else None,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=horizontal_spacing,
    )
    figure.update_annotations(font_size=14)
    return framed(figure, height=height, top=32 if len(titles) > 1 else 12, left=left)


def framed(figure: go.Figure, *, height: int, top: int = 12, left: int = 8) -> go.Figure:
    """Give a figure the common margins, legend and fonts; backgrounds stay those of the page."""
    return figure.update_layout(
        height=height,
        margin={"l": left, "r": 8, "t": top, "b": _LABELLED_BELOW if left >= LABELLED else 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.04, "x": 0},
        hoverlabel_align="left",
    )
