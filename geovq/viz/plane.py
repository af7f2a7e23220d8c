"""The rate-distortion plane: what a tokenizer costs against what it loses."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import tokenizer_style


@dataclass(frozen=True)
class RatePoint:
    """One tokenizer of one run.

    rate_bits : entropy of its tokens, bits per token; distortion : mean squared pixel difference; standard_error : of
    the distortion over images; context : drawn faintly, for comparison only.
    """

    tokenizer: str
    run_id: str
    n_codes: int
    rate_bits: float
    distortion: float
    standard_error: float
    context: bool = False


def rate_distortion_figure(points: Sequence[RatePoint], *, height: int = 420) -> go.Figure:
    """Distortion (log scale, two standard errors) against rate; left and down is better.

    Parameters
    ----------
    points : sequence of RatePoint
        Points of one tokenizer share a colour and a symbol; context points are hollow.
    """
    figure = go.Figure()
    for name in dict.fromkeys(point.tokenizer for point in points):
        style = tokenizer_style(name)
        for context in (True, False):
            group = [point for point in points if point.tokenizer == name and point.context == context]
            if not group:
                continue
            figure.add_scatter(
                x=[point.rate_bits for point in group],
                y=[point.distortion for point in group],
                error_y={"array": [2 * point.standard_error for point in group], "thickness": 1, "color": style.colour},
                mode="markers" if context else "markers+text",
                text=[f"   {style.label}, K = {point.n_codes}" for point in group],
                textposition="middle right",
                customdata=[[point.run_id, point.n_codes] for point in group],
                hovertemplate=(
                    f"{style.label}, K = %{{customdata[1]}}, run %{{customdata[0]}}<br>"
                    "%{x:.3f} bits/token, distortion %{y:.5f}<extra></extra>"
                ),
                marker={
                    "symbol": style.symbol + ("-open" if context else ""),
                    "size": 8 if context else 13,
                    "color": style.colour,
                    "opacity": 0.6 if context else 1.0,
                },
                name=f"{style.label}, other runs" if context else style.label,
            )
    rates = [point.rate_bits for point in points]
    span = max(max(rates) - min(rates), 0.5)
    # Labels stand to the right of their marks.
    figure.update_xaxes(
        **AXIS, title_text="rate (bits per token), ← better", range=(min(rates) - 0.1 * span, max(rates) + 0.3 * span)
    )
    figure.update_yaxes(**AXIS, title_text="distortion (pixel²), ↓ better", type="log", exponentformat="none")
    figure.update_traces(cliponaxis=False)
    return framed(figure, height=height, left=LABELLED).update_layout(showlegend=any(point.context for point in points))
