"""Rate against error of many tokenizers; points that differ only in the number of codes are joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import plotly.graph_objects as go

from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import tokenizer_style


@dataclass(frozen=True)
class Measured:
    """One tokenizer of one run, through one decoder.

    Attributes
    ----------
    tokenizer, run : str
    n_codes : int
        Size K of the codebook.
    rate_bits : float
        Entropy of the tokens, bits per token.
    error : float
        Mean over images, squared pixel intensity.
    standard_error : float
        Of the error, over images.
    refitted : bool
        Whether the decoder was refitted.
    curve : str
        Points with the same tokenizer and curve differ only in the number of codes, and are joined.
    role : str
        "a" and "b" are compared, "beside" belongs to one of their runs, "elsewhere" to another.
    """

    tokenizer: str
    run: str
    n_codes: int
    rate_bits: float
    error: float
    standard_error: float
    refitted: bool = False
    curve: str = ""
    role: Literal["a", "b", "beside", "elsewhere"] = "beside"


_SIZES = {"a": 15, "b": 15, "beside": 10, "elsewhere": 8}


def rate_error_figure(points: Sequence[Measured], *, error_title: str, height: int = 430) -> go.Figure:
    """Error (log scale, whiskers of two standard errors) against rate; left and down is better.

    Parameters
    ----------
    points : sequence of Measured
        A tokenizer has one colour and symbol; hollow marks are of refitted decoders.
    error_title : str
        Title of the vertical axis, with its unit.
    """
    figure = go.Figure()

    def series(point: Measured) -> tuple[str, bool]:
        return point.tokenizer, point.refitted

    for (tokenizer, refitted), group in groupby(sorted(points, key=series), key=series):
        members = list(group)
        for line in _curves(members):
            figure.add_trace(_curve(line))
        figure.add_trace(_marks(tokenizer, members, refitted=refitted))
    rates = [point.rate_bits for point in points]
    span = max(max(rates) - min(rates), 0.5)
    figure.update_xaxes(
        **AXIS, title_text="rate (bits per token), ← better", range=(min(rates) - 0.12 * span, max(rates) + 0.3 * span)
    )
    figure.update_yaxes(
        **{**AXIS, "title_standoff": 16}, title_text=f"{error_title}, ↓ better", type="log", exponentformat="none"
    )
    figure.update_yaxes(tickformat=".2~g", nticks=8, minor_ticks="")
    return framed(figure, height=height, top=40, left=LABELLED + 10)


def _curves(members: Sequence[Measured]) -> list[list[Measured]]:
    """Points that differ only in the number of codes, by that number; lines of at least two."""
    by_curve = {point.curve: [other for other in members if other.curve == point.curve] for point in members}
    return [
        sorted(line, key=lambda point: point.n_codes)
        for curve, line in by_curve.items()
        if curve and len({point.n_codes for point in line}) > 1
    ]


def _curve(line: Sequence[Measured]) -> go.Scatter:
    style = tokenizer_style(line[0].tokenizer)
    return go.Scatter(
        x=[point.rate_bits for point in line],
        y=[point.error for point in line],
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )


def _marks(tokenizer: str, members: Sequence[Measured], *, refitted: bool) -> go.Scatter:
    style = tokenizer_style(tokenizer)
    name = f"{style.label}, refitted decoder" if refitted else style.label
    compared = {"a": "<b>A</b> ", "b": "<b>B</b> "}
    texts = [
        f"   {compared[point.role]}{name}, K = {point.n_codes}" if point.role in compared else "" for point in members
    ]
    return go.Scatter(
        x=[point.rate_bits for point in members],
        y=[point.error for point in members],
        error_y={"array": [2 * point.standard_error for point in members], "thickness": 1, "color": style.colour},
        mode="markers+text",
        text=texts,
        textposition="middle right",
        cliponaxis=False,
        customdata=[[point.run, point.n_codes] for point in members],
        hovertemplate=f"{name}, K = %{{customdata[1]}}<br>run %{{customdata[0]}}<br>"
        "%{x:.3f} bits per token, error %{y:.5f}<extra></extra>",
        marker={
            "symbol": style.symbol + ("-open" if refitted else ""),
            "size": [_SIZES[point.role] for point in members],
            "color": style.colour,
            "line": {"width": 2 if refitted else 0, "color": style.colour},
            "opacity": [0.55 if point.role == "elsewhere" else 1.0 for point in members],
        },
        name=name,
    )
