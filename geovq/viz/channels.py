"""KL of each channel of a VAE after each epoch: which channels come into use while it trains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from geovq.viz.arrays import Array
from geovq.viz.layout import AXIS, framed
from geovq.viz.palette import SEQUENTIAL

_GROUP = "kl_nats/"
_MOST_ROWS = 32


@dataclass(frozen=True)
class ChannelCurves:
    """KL of every channel after every epoch.

    Attributes
    ----------
    epochs : array of shape (T,)
        Counted from 1.
    kl_nats : array of shape (T, D)
        Nats per image.
    n_active : array of shape (T,)
        Channels that are in use.
    """

    epochs: Int[Array, " T"]
    kl_nats: Float[Array, "T D"]
    n_active: Int[Array, " T"]

    @property
    def ranking(self) -> Int[Array, " rows"]:
        """Channels that are drawn, the one with the largest KL after the last epoch first."""
        order: Array = np.argsort(-self.kl_nats[-1], kind="stable")[:_MOST_ROWS]
        return order


def channel_curves(rows: Sequence[Mapping[str, Any]]) -> ChannelCurves | None:
    """From rows of metrics; None where no channels were measured."""
    measured = [row for row in rows if row.get("split") == "validation" and f"{_GROUP}00" in row]
    if not measured:
        return None
    names = [name for name in measured[-1] if name.startswith(_GROUP)]
    names.sort(key=lambda name: int(name.removeprefix(_GROUP)))
    values = np.array([[_number(row.get(name)) for name in names] for row in measured])
    return ChannelCurves(
        np.array([int(row["epoch"]) for row in measured]),
        values,
        np.array([int(row.get("active_channels") or 0) for row in measured]),
    )


def channel_figure(curves: ChannelCurves, *, height: int = 280) -> go.Figure:
    """One row per channel, one column per epoch; the strongest channel of the last epoch stands on top."""
    shown = curves.ranking
    heat = go.Heatmap(
        x=curves.epochs,
        y=[f"{channel}" for channel in shown],
        z=curves.kl_nats[:, shown].T,
        zmin=0,
        colorscale=SEQUENTIAL,
        colorbar={"title": {"text": "KL, nats<br>per image"}, "thickness": 12},
        hovertemplate="channel %{y}, epoch %{x}<br>%{z:.2f} nats per image<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_xaxes(**AXIS, title_text="epoch", tickformat="d")
    figure.update_yaxes(title_text="channel", type="category", autorange="reversed", ticks="")
    return framed(figure, height=height, top=24)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
