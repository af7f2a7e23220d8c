"""Codes and their borders as a graph."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.field import broken_lines
from geovq.viz.layout import framed
from geovq.viz.palette import NEUTRAL, QUALITATIVE
from geovq.viz.patch_map import PatchMap

_MANY = 500  # borders; more than that are drawn thin
_NEAR, _FAR, _OWN = QUALITATIVE[2], QUALITATIVE[7], QUALITATIVE[1]
# Share of the borders that are shorter, how they are drawn, and what the legend says.
_KINDS: tuple[tuple[float, dict[str, Any], str], ...] = (
    (1 / 3, {"color": _NEAR, "width": 2.6, "dash": "solid"}, "shortest third"),
    (2 / 3, {"color": NEUTRAL, "width": 1.3, "dash": "solid"}, "middle third"),
    (1.0, {"color": _FAR, "width": 0.9, "dash": "dot"}, "longest third"),
)


def code_graph_figure(
    places: Float[Array, "K 2"],
    pairs: Int[Array, "m 2"],
    lengths: Float[Array, " m"],
    pictures: PatchMap,
    chosen: int,
    *,
    unit: str,
    height: int = 560,
) -> go.Figure:
    """Codes as pictures or dots, borders as lines whose colour, width and dash show their length; one code stands out.

    Parameters
    ----------
    places : array of shape (K, 2)
        Where the codes are drawn.
    pairs : array of int of shape (m, 2)
        Codes that border each other.
    lengths : array of shape (m,)
    pictures : PatchMap
        Patches of the codes at their places.
    chosen : int
        Code that is emphasised.
    unit : str
        Of the lengths.
    """
    figure = go.Figure()
    bounds = np.quantile(lengths, [share for share, _, _ in _KINDS]) if len(lengths) else np.zeros(len(_KINDS))
    thin = 0.5 if len(pairs) > _MANY else 1.0
    kinds = np.searchsorted(bounds[:-1], lengths, side="left")
    for kind, (_, line, words) in enumerate(_KINDS):
        members = np.flatnonzero(kinds == kind)
        if len(members):
            x, y = broken_lines(places[pairs[members]])
            name = f"{words}: up to {bounds[kind]:.3g} {unit}"
            style = {**line, "width": thin * line["width"]}
            figure.add_scatter(x=x, y=y, mode="lines", line=style, opacity=0.75, name=name, hoverinfo="skip")
    own = np.flatnonzero((pairs == chosen).any(axis=1))
    x, y = broken_lines(places[pairs[own]])
    line = {"color": _OWN, "width": 4}
    figure.add_scatter(x=x, y=y, mode="lines", line=line, name=f"borders of code {chosen}", hoverinfo="skip")
    pictures.lay_over(figure)
    _nodes(figure, places, pictures, chosen)
    middles = places[pairs].mean(axis=1)
    figure.add_scatter(
        x=middles[:, 0],
        y=middles[:, 1],
        mode="markers",
        marker={"size": 8, "opacity": 0.01},
        customdata=np.column_stack([pairs, lengths]),
        hovertemplate=f"codes %{{customdata[0]}} and %{{customdata[1]}}: %{{customdata[2]:.3g}} {unit}<extra></extra>",
        showlegend=False,
    )
    low, high = pictures.low, pictures.high
    hidden = {"visible": False, "constrain": "domain"}
    figure.update_xaxes(**hidden, range=(float(low[0]), float(high[0])))
    figure.update_yaxes(**hidden, range=(float(low[1]), float(high[1])), scaleanchor="x")
    return framed(figure, height=height).update_layout(legend={"y": -0.02, "yanchor": "top", "itemsizing": "constant"})


def _nodes(figure: go.Figure, places: Float[Array, "K 2"], pictures: PatchMap, chosen: int) -> None:
    codes = np.arange(len(places))
    for members, size in ((codes[pictures.is_drawn], 20), (codes[~pictures.is_drawn], 7)):
        figure.add_scatter(
            x=places[members, 0],
            y=places[members, 1],
            mode="markers",
            marker={
                "size": size,
                "symbol": "diamond",
                "color": QUALITATIVE[0],
                "opacity": 0.01 if size > 7 else 1,  # under a picture, which shows the place
            },
            customdata=members,
            hovertemplate="code %{customdata}<extra></extra>",
            showlegend=False,
        )
    x, y = places[chosen].tolist()
    look = {"font": {"color": "black", "size": 13}, "bgcolor": "white", "bordercolor": _OWN, "borderwidth": 3}
    figure.add_annotation(
        x=x, y=y, text=f"<b>code {chosen}</b>", ax=0, ay=-36, arrowcolor=_OWN, arrowwidth=3, arrowhead=2, **look
    )
