"""Medoid silhouette against the number of codes."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import NEUTRAL, tokenizer_style


def silhouette_figure(
    n_codes: Sequence[int], silhouettes: Sequence[float], current: int, name: str, *, height: int = 320
) -> go.Figure:
    """Silhouette against the number of codes, on a logarithmic axis; the best one and the run's own are marked.

    Parameters
    ----------
    n_codes : sequence of int
        Ascending.
    silhouettes : sequence of float
        Of each.
    current : int
        Number of codes of the run.
    name : str
        Tokenizer, for colour and symbol.
    """
    style, best = tokenizer_style(name), int(np.argmax(silhouettes))
    figure = go.Figure(
        go.Scatter(
            x=list(n_codes),
            y=list(silhouettes),
            mode="lines+markers",
            line={"color": style.colour, "width": 2, "dash": style.dash},
            marker={"size": 8, "symbol": style.symbol, "color": style.colour},
            hovertemplate="%{x} codes: %{y:.3f}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_annotation(
        x=np.log10(n_codes[best]),
        y=silhouettes[best],
        text=f"best: {n_codes[best]}",
        ax=0,
        ay=-30,
        arrowhead=2,
        arrowcolor=NEUTRAL,
    )
    figure.add_vline(x=current, line={"color": NEUTRAL, "dash": "dash", "width": 1})
    figure.add_annotation(
        x=np.log10(current), y=1, yref="paper", text=f"this run: {current}", showarrow=False, xanchor="right", xshift=-4
    )
    figure.update_xaxes(
        **AXIS, type="log", title_text="codes K, log scale", tickvals=list(n_codes), ticktext=[str(n) for n in n_codes]
    )
    figure.update_yaxes(**AXIS, title_text="medoid silhouette")
    return framed(figure, height=height, left=LABELLED, top=30)
