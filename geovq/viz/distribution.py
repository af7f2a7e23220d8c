"""Probabilities of the next token in a sequence, and the entropy of every step."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.images import grey_tiles, png_uri
from geovq.viz.layout import AXIS, LABELLED, framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE

_TAKEN, _OFFERED = QUALITATIVE[1], QUALITATIVE[0]
_PATCHES_TO, _BARS_FROM = 0.17, 0.3  # share of the height: patches below, bars above, code numbers between
_ENLARGED = 4  # screen pixels per pixel of a patch, so that browsers do not blur it


def likeliest(probabilities: Float[Array, " K"], taken: int, n_most: int) -> Int[Array, " n"]:
    """Codes to show, likeliest first: at most `n_most`, none of probability 0, and always the one that was taken."""
    order = np.argsort(-probabilities, kind="stable")[:n_most]
    shown = order[probabilities[order] > 0]
    return shown if taken in shown else np.append(shown[: n_most - 1], taken)


def next_token_figure(
    codes: Int[Array, " n"],
    probabilities: Float[Array, " K"],
    patches: Float[Array, "n h w"],
    taken: int,
    *,
    height: int = 340,
) -> go.Figure:
    """Bars of the likeliest codes above their decoded patches; the code that was drawn is marked.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Codes to show, in this order; the last bar is the sum of all others.
    probabilities : ndarray of shape (K,)
        Of all codes.
    patches : ndarray of shape (n, h, w)
        Of the codes shown, intensities in [0, 1].
    taken : int
        Code that was drawn.
    """
    percent = 100 * probabilities[codes]
    rest = max(100 * float(probabilities.sum()) - float(percent.sum()), 0.0)
    labels = [f"<b>{code}</b>" if code == taken else str(code) for code in codes]
    ticks = np.arange(len(codes) + 1)
    texts = [
        f"{value:.0f}%" + ("<br><b>drawn</b>" if code == taken else "")
        for code, value in zip(codes, percent, strict=True)
    ]
    bars = go.Bar(
        x=ticks,
        y=[*percent, rest],
        text=[*texts, f"{rest:.0f}%"],
        textposition="outside",
        cliponaxis=False,
        marker={
            "color": [*(_TAKEN if code == taken else _OFFERED for code in codes), NEUTRAL],
            "pattern": {
                "shape": ["x" if code == taken else "" for code in codes] + ["/"],
                "fillmode": "overlay",
                "fgcolor": "white",
                "fgopacity": 0.5,
            },
        },
        customdata=[*(f"code {code}" for code in codes), f"{len(probabilities) - len(codes)} other codes"],
        hovertemplate="%{customdata}: %{y:.2f}%<extra></extra>",
        showlegend=False,
    )
    figure = go.Figure(bars)
    for place, patch in enumerate(patches):
        figure.add_layout_image(
            source=png_uri(grey_tiles(patch).repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)),
            xref="x",
            yref="paper",
            x=place,
            y=_PATCHES_TO,
            sizex=0.86,
            sizey=_PATCHES_TO,
            xanchor="center",
            yanchor="top",
        )
    figure.update_xaxes(
        showgrid=False, tickvals=ticks, ticktext=[*labels, "others"], range=(-0.6, len(codes) + 0.6), tickangle=0
    )
    figure.update_yaxes(
        **AXIS, title_text="probability (%)", domain=(_BARS_FROM, 1), range=(0, 1.25 * max(percent.max(), rest, 1))
    )
    return framed(figure, height=height, left=LABELLED).update_layout(bargap=0.14)


def choice_figure(entropy_bits: Float[Array, " L"], position: int, width: int, *, height: int = 170) -> go.Figure:
    """Entropy of every step of a sequence, the present one marked; lines part the rows of the lattice.

    Parameters
    ----------
    entropy_bits : ndarray of shape (L,)
    position : int
        Raster index of the present step.
    width : int
        Cells of one row.
    """
    steps = np.arange(1, len(entropy_bits) + 1)
    figure = go.Figure()
    figure.add_scatter(
        x=steps,
        y=entropy_bits,
        mode="lines+markers",
        line={"color": _OFFERED, "width": 2, "shape": "hvh"},
        marker={"size": 4},
        hovertemplate="step %{x}: %{y:.2f} bits<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=[position + 1],
        y=[entropy_bits[position]],
        mode="markers",
        marker={"size": 12, "symbol": "diamond", "color": _TAKEN},
        hoverinfo="skip",
        showlegend=False,
    )
    for edge in steps[width - 1 : -1 : width]:
        figure.add_vline(x=edge + 0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_xaxes(
        **{**AXIS, "showgrid": False}, title_text="step (dotted: a new row begins)", range=(0.5, len(steps) + 0.5)
    )
    figure.update_yaxes(**AXIS, title_text="choice (bits)", rangemode="tozero")
    return framed(figure, height=height, left=LABELLED)
