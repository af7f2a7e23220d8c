"""The curves of a run's trainings: loss, throughput, channels in use, and pictures epoch by epoch."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.wording import stage_title
from geovq.app.train.snapshots import evolution
from geovq.progress import Scalar
from geovq.runs.metrics import METRICS_FILE, read_metrics, without_repetitions
from geovq.viz import loss_figure, throughput_figure
from geovq.viz.channels import ChannelCurves, channel_curves, channel_figure

Row = Mapping[str, Scalar]


@shared(8, False)
def _rows(run_path: str, size: int) -> list[dict[str, Scalar]]:
    """Rows of metrics; the file only grows, so its size tells what is in it."""
    return without_repetitions(read_metrics(run_path))


def training_curves(run_path: Path, key: str, provenance: str, *, at_work: bool) -> None:
    """Draw what was measured while training, of one stage at a time: the one at work first, else the first one."""
    rows = _rows(str(run_path), _size(run_path / METRICS_FILE))
    stages = list(dict.fromkeys(str(row["stage"]) for row in rows if row.get("split") == "train"))
    if not stages:
        st.caption("Curves appear with the first steps of training.")
        return
    stage = stages[-1 if at_work else 0]
    if len(stages) > 1:
        stage = st.segmented_control(
            "Training of",
            stages,
            default=stage,
            required=True,
            key=f"{key}_stage_{run_path}_{len(stages)}_{at_work}",
            format_func=stage_title,
        )
    shown = [row for row in rows if row.get("stage") == stage]
    _losses(shown, stage, key, provenance)
    channels = channel_curves(shown)
    row = st.container(horizontal=True)
    if channels is not None:
        with row.container(width=380):
            _channels(channels, stage, key, provenance)
    # A fragment of its own: the slider redraws the pictures alone. Inside one that polls, it would end the polls.
    draw = evolution if at_work else st.fragment(evolution)
    with row.container(width=480):
        draw(run_path, stage, key, provenance)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # not begun, or deleted a moment ago


def _losses(rows: list[dict[str, Scalar]], stage: str, key: str, provenance: str) -> None:
    row = st.container(horizontal=True)
    with row.container(width=620):
        show(
            loss_figure(rows),
            f"{key}_loss_{stage}",
            f"Training and validation loss of {stage_title(stage)} by step",
            caption=provenance,
            data=pd.DataFrame(rows),
        )
    with row.container(width=240):
        show(throughput_figure(rows), f"{key}_rate_{stage}", "Training examples per second over time")


def _channels(channels: ChannelCurves, stage: str, key: str, provenance: str) -> None:
    n_channels, drawn = channels.kl_nats.shape[1], channels.ranking
    show(
        channel_figure(channels),
        f"{key}_channels_{stage}",
        alt="KL of each latent channel after each epoch",
        title=channel_finding(channels),
        help="KL in nats per image: what a channel tells the decoder about the image. A channel whose mean per cell is "
        "below 0.01 nats is not in use.",
        caption=f"{len(drawn)} of {n_channels} channels · {provenance}",
        data=pd.DataFrame(channels.kl_nats, columns=[f"channel_{channel}" for channel in range(n_channels)]).assign(
            epoch=channels.epochs
        ),
    )


def channel_finding(channels: ChannelCurves) -> str:
    """How many channels are in use."""
    n_active, n_channels = int(channels.n_active[-1]), channels.kl_nats.shape[1]
    verb = "is" if n_active == 1 else "are"
    return f"{n_active} of {n_channels} channels {verb} in use after epoch {int(channels.epochs[-1])}"
