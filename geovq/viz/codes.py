"""How often codes are used, how large their clusters are, and where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.field import equal_axes
from geovq.viz.layout import AXIS, LABELLED, side_by_side
from geovq.viz.palette import DEAD, NEUTRAL, QUALITATIVE, map_colouring, tokenizer_style


def usage_figure(counts: Mapping[str, Int[Array, " K"]], *, height: int = 330) -> go.Figure:
    """Share of tokens per code, most used first, one panel per tokenizer on common axes; dead codes are crossed out.

    Parameters
    ----------
    counts : mapping of str to ndarray of shape (K,)
        Tokenizer name and how often each code occurs.
    """
    return _ranked_bars(counts, "share of tokens (%)", "codes, most used first", percent=True, height=height)


def cluster_size_figure(
    sizes: Mapping[str, Int[Array, " K"] | Float[Array, " K"]],
    *,
    unit: str,
    chosen: tuple[str, int] | None = None,
    height: int = 330,
) -> go.Figure:
    """Cluster sizes, largest first, one panel per tokenizer on common axes.

    Parameters
    ----------
    sizes : mapping of str to ndarray of shape (K,)
        Tokenizer name and the size of each cluster: integers are counts, and a count of 0 is a dead code.
    unit : str
        What is counted or measured, for instance "landmarks".
    chosen : (str, int), optional
        Tokenizer and code to point at.
    """
    figure = _ranked_bars(sizes, f"cluster size ({unit})", "codes, largest cluster first", percent=False, height=height)
    if chosen is not None and chosen[0] in sizes:
        name, code = chosen
        values = sizes[name]
        rank = 1 + int(np.flatnonzero(np.argsort(-values, kind="stable") == code)[0])
        size = max(float(values[code]), _floor(sizes, percent=False))
        column = list(sizes).index(name) + 1
        figure.add_annotation(
            x=rank,
            y=np.log10(size),  # on a logarithmic axis, annotations take the exponent
            text=f"<b>code {code}</b>",
            showarrow=True,
            arrowhead=2,
            arrowcolor=NEUTRAL,
            ax=34 if rank <= len(values) / 2 else -34,
            ay=-30,
            row=1,
            col=column,
        )
    return figure


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of one tokenizer in two directions.

    Attributes
    ----------
    positions : array of shape (N, 2)
        In any unit of length.
    labels : array of shape (N,)
        Code of each landmark.
    medoids : array of shape (K, 2)
        Places of the codes.
    """

    positions: Float[Array, "N 2"]
    labels: Int[Array, " N"]
    medoids: Float[Array, "K 2"]


def landmarks_figure(
    landmarks: Mapping[str, Landmarks], *, axis_titles: tuple[str, str], height: int = 480
) -> go.Figure:
    """Landmarks coloured by code, medoids marked, one panel per tokenizer on common axes of equal scale.

    Codes that lie side by side differ in colour; colours repeat, so the code is also named on hover.
    """
    figure = side_by_side([tokenizer_style(name).label for name in landmarks], height=height, left=LABELLED)
    for column, part in enumerate(landmarks.values(), start=1):
        colours = np.asarray(QUALITATIVE)[map_colouring(part.medoids)]
        x, y = part.positions.astype(np.float32).T
        cloud = go.Scattergl(
            x=x,
            y=y,
            mode="markers",
            marker={"size": 4, "color": colours[part.labels], "opacity": 0.75},
            customdata=part.labels,
            hovertemplate="code %{customdata}<extra>landmark</extra>",
            showlegend=False,
        )
        codes = np.arange(len(part.medoids))
        medoids = go.Scattergl(
            x=part.medoids[:, 0].astype(np.float32),
            y=part.medoids[:, 1].astype(np.float32),
            mode="markers",
            marker={"size": 10, "symbol": "diamond", "color": colours, "line": {"width": 1.5, "color": "white"}},
            customdata=codes,
            hovertemplate="code %{customdata}<extra>medoid</extra>",
            name="medoid (the code)",
            showlegend=False,
        )
        figure.add_traces([cloud, medoids], rows=[1, 1], cols=[column, column])
    return equal_axes(figure, axis_titles, len(landmarks))


def _ranked_bars(
    counts: Mapping[str, Int[Array, " K"] | Float[Array, " K"]],
    y_title: str,
    x_title: str,
    *,
    percent: bool,
    height: int,
) -> go.Figure:
    figure = side_by_side([_bar_title(name, values) for name, values in counts.items()], height=height, left=LABELLED)
    floor = _floor(counts, percent=percent)
    for column, (name, values) in enumerate(counts.items(), start=1):
        order = np.argsort(-values, kind="stable")
        total = _total(values)
        shown = values[order] * (100.0 / total if percent else 1.0)
        ranks = np.arange(1, len(values) + 1)
        bars = go.Bar(
            x=ranks,
            y=shown,
            marker={"color": tokenizer_style(name).colour, "line_width": 0},
            customdata=np.stack([order, values[order]], axis=1),
            hovertemplate="code %{customdata[0]}: %{customdata[1]:,.6~g} (rank %{x})<extra></extra>",
            showlegend=False,
        )
        figure.add_trace(bars, row=1, col=column)
        uniform = (100.0 if percent else total) / len(values)
        figure.add_hline(y=uniform, line={"color": NEUTRAL, "dash": "dash", "width": 1}, row=1, col=column)
        dead = ranks[values[order] == 0] if _is_count(values) else ranks[:0]
        if len(dead):
            crosses = go.Scatter(
                x=dead,
                y=np.full(len(dead), floor),
                mode="markers",
                marker={"symbol": "x", "size": 8, "color": DEAD},
                customdata=order[values[order] == 0],
                hovertemplate="code %{customdata} is dead: never used<extra></extra>",
                name="dead code",
                showlegend=False,
                cliponaxis=False,
            )
            figure.add_trace(crosses, row=1, col=column)
    figure.update_layout(bargap=0.08)
    figure.update_xaxes(**{**AXIS, "showgrid": False}, title_text=x_title)
    figure.update_yaxes(**AXIS, type="log", dtick=1, exponentformat="none")
    return figure.update_yaxes(title_text=f"{y_title}, log scale", col=1)


def _floor(counts: Mapping[str, Int[Array, " K"] | Float[Array, " K"]], *, percent: bool) -> float:
    """Where zero is drawn on a logarithmic axis: half of the smallest positive value."""
    shares = [
        values[values > 0].min() * (100.0 / _total(values) if percent else 1.0)
        for values in counts.values()
        if values.any()
    ]
    return min(shares, default=1.0) / 2


def _total(values: Int[Array, " K"] | Float[Array, " K"]) -> float:
    return float(values.sum()) or 1.0


def _is_count(values: Int[Array, " K"] | Float[Array, " K"]) -> bool:
    return bool(np.issubdtype(values.dtype, np.integer))


def _bar_title(name: str, values: Int[Array, " K"] | Float[Array, " K"]) -> str:
    if not _is_count(values):
        return tokenizer_style(name).label
    n_dead = int((values == 0).sum())
    return f"{tokenizer_style(name).label}: {len(values) - n_dead} of {len(values)} used" + (
        f", {n_dead} dead (×)" if n_dead else ""
    )
