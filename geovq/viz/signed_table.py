"""A table of signed values, such as the attraction of codes, as colours with signs."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from geovq.viz.arrays import Array
from geovq.viz.layout import framed
from geovq.viz.palette import DIVERGING

_STRONG = 1.0  # bits from which a sign is written into the cell
MOST_COLUMNS = 980 // 35  # pixels of a page beside its sidebar, and of a column that can be read and hovered over
_MOST_FLAT = 20  # labels of columns that fit side by side; more are turned
_TITLE, _LETTER = 46, 7  # pixels beside the labels of an axis, and of one of their letters


def signed_table_figure(
    values: Float[Array, "rows columns"],
    texts: Sequence[Sequence[str]],
    *,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    titles: tuple[str, str],
    unit: str,
    limit: float = 3.0,
    is_square: bool = False,
    height: int = 420,
) -> go.Figure:
    """Colours centred at zero; strong cells also carry + or −.

    Parameters
    ----------
    values : array of shape (rows, columns)
        In bits; -inf counts as -limit, NaN stays empty.
    texts : sequences of str
        What each cell says on hover.
    row_labels, column_labels : sequences of str
    titles : (str, str)
        Of the horizontal and of the vertical axis.
    unit : str
        Title of the colour bar.
    limit : float, default=3
        Value that reaches full colour; larger ones are clipped.
    is_square : bool, default=False
        Cells as high as wide.
    """
    shown = np.clip(values, -limit, limit)  # NaN stays
    figure = go.Figure(
        go.Heatmap(
            z=shown.astype(np.float32),
            coloraxis="coloraxis",
            text=[list(row) for row in texts],
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
        )
    )
    rows, columns = np.nonzero(np.abs(np.nan_to_num(shown)) >= _STRONG)
    strong = shown[rows, columns]
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="text",
        text=["+" if value > 0 else "−" for value in strong],
        textfont={"size": 11, "color": ["white" if abs(value) > 0.6 * limit else "black" for value in strong]},
        hoverinfo="skip",
        showlegend=False,
    )
    is_upright = len(column_labels) > _MOST_FLAT
    plain = {"showgrid": False, "zeroline": False, "ticks": "", "automargin": False}
    figure.update_xaxes(
        **plain, title_text=titles[0], tickvals=np.arange(len(column_labels)), ticktext=list(column_labels),
        constrain="domain", range=(-0.5, len(column_labels) - 0.5), tickangle=-90 if is_upright else 0,
    )  # fmt: skip
    figure.update_yaxes(
        **plain, title_text=titles[1], tickvals=np.arange(len(row_labels)), ticktext=list(row_labels),
        range=(len(row_labels) - 0.5, -0.5),
    )  # fmt: skip
    if is_square:
        figure.update_yaxes(scaleanchor="x", constrain="domain")
    bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    framed(figure, height=height)
    return figure.update_layout(
        coloraxis={"colorscale": DIVERGING, "cmin": -limit, "cmax": limit, "colorbar": bar},
        margin={
            "l": _TITLE + _LETTER * max(map(len, row_labels)),
            "b": _TITLE + _LETTER * (max(map(len, column_labels)) if is_upright else 1),
        },
    )
