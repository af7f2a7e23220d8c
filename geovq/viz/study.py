"""Rate-error curves of a study with bands over seeds, one panel for each data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from geovq.viz.arrays import Array
from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import NEUTRAL, rgb, tokenizer_style
from geovq.viz.rate_distortion import Measured

_DASHES = {"own": "dot", "joint": "solid"}
_WORDS = {"own": "own rule", "joint": "together"}


@dataclass(frozen=True)
class StudyCurve:
    """One tokenizer on one data set, by one search.

    Attributes
    ----------
    tokenizer, search : str
        The search is "own" or "joint".
    points : array of shape (m, 3)
        Operating points of all seeds: bits per token, error, codes.
    rates, mean, low, high : arrays of shape (n,)
        Curve and band; empty where the points make none.
    """

    tokenizer: str
    search: str
    points: Float[Array, "m 3"]
    rates: Float[Array, " n"]
    mean: Float[Array, " n"]
    low: Float[Array, " n"]
    high: Float[Array, " n"]


@dataclass(frozen=True)
class StudyPanel:
    """What is drawn of one data set.

    Attributes
    ----------
    title : str
    curves : sequence of StudyCurve
    runs : sequence of Measured
        Points of runs to be laid over the curves.
    unquantized : float, optional
        Error of the autoencoder without tokens.
    """

    title: str
    curves: Sequence[StudyCurve]
    runs: Sequence[Measured] = ()
    unquantized: float | None = None


def study_figure(panels: Sequence[StudyPanel], *, height: int = 460) -> go.Figure:
    """Error (log scale) against rate; tokens by own rule dotted, chosen together solid; bands are of the seeds."""
    figure = make_subplots(
        rows=1, cols=len(panels), subplot_titles=[panel.title for panel in panels], horizontal_spacing=0.09
    )
    figure.update_annotations(font_size=14)
    named: set[str] = set()
    for column, panel in enumerate(panels, start=1):
        traces = [trace for curve in panel.curves for trace in _traces(curve)]
        traces += [_run_point(point) for point in panel.runs]
        if panel.unquantized is not None:
            traces.append(_without_tokens(panel.unquantized, panel.curves))
        for trace in traces:
            trace.showlegend = trace.showlegend is not False and trace.name not in named
            named |= {trace.name} if trace.showlegend else set()
            figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(**AXIS, title_text="rate (bits per token), ← better")
    figure.update_yaxes(**{**AXIS, "title_standoff": 16}, type="log", exponentformat="none", tickformat=".2~g")
    figure.update_yaxes(dtick="D2", minor_ticks="")
    figure.update_yaxes(title_text="error, MSE (pixel²), ↓ better", col=1)
    # The legend stands below: above are the names of the panels, and its height depends on how much is drawn.
    below = {"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0}
    return framed(figure, height=height, top=36, left=LABELLED).update_layout(legend=below, margin_b=120)


def _traces(curve: StudyCurve) -> list[Any]:
    style = tokenizer_style(curve.tokenizer)
    name = f"{style.label}, {_WORDS[curve.search]}"
    red, green, blue = rgb([style.colour])[0]
    shared = {"legendgroup": name, "name": name}
    band = {"x": curve.rates, "mode": "lines", "line_width": 0, "hoverinfo": "skip", "showlegend": False} | shared
    bits, errors, codes = curve.points.T
    traces = []
    if len(curve.rates):
        traces += [
            go.Scatter(y=curve.low, **band),
            go.Scatter(y=curve.high, fill="tonexty", fillcolor=f"rgba({red}, {green}, {blue}, 0.18)", **band),
            go.Scatter(
                x=curve.rates,
                y=curve.mean,
                mode="lines",
                line={"color": style.colour, "width": 2, "dash": _DASHES[curve.search]},
                hoverinfo="skip",
                showlegend=False,
                **shared,
            ),
        ]
    symbol = style.symbol if curve.search == "joint" else f"{style.symbol}-open"
    traces.append(
        go.Scatter(
            x=bits,
            y=errors,
            mode="markers",
            marker={"color": style.colour, "symbol": symbol, "size": 7},
            customdata=codes,
            hovertemplate=f"{name}, K = %{{customdata}}<br>%{{x:.2f}} bits per token, error %{{y:.5f}}<extra></extra>",
            **shared,
        )
    )
    return traces


def _without_tokens(error: float, curves: Sequence[StudyCurve]) -> go.Scatter:
    rates = [curve.points[:, 0] for curve in curves]
    ends = [min(part.min() for part in rates), max(part.max() for part in rates)]
    return go.Scatter(
        x=ends,
        y=[error] * 2,
        mode="lines",
        line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        hovertemplate="autoencoder without tokens: error %{y:.5f}<extra></extra>",
        name="autoencoder, no tokens",
    )


def _run_point(point: Measured) -> go.Scatter:
    style = tokenizer_style(point.tokenizer)
    words = {"a": "A", "b": "B"}.get(point.role, "")
    return go.Scatter(
        x=[point.rate_bits],
        y=[point.error],
        mode="markers+text",
        text=[f"<b>{words}</b>"],
        textposition="top right",
        marker={
            "symbol": "circle",
            "size": 16 if words else 11,
            "color": style.colour,
            "line": {"width": 2, "color": NEUTRAL},
        },
        hovertemplate=f"run {point.run}: {style.label}, K = {point.n_codes}<br>%{{x:.2f}} bits per token, error "
        "%{y:.5f}<extra></extra>",
        name="the chosen runs",
        showlegend=False,
    )
