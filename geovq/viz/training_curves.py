"""Curves of a training: every part of the loss against the step, and the throughput."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from geovq.viz.layout import AXIS, framed
from geovq.viz.palette import QUALITATIVE

Row = Mapping[str, Any]

_TRAIN, _VALIDATION = QUALITATIVE[0], QUALITATIVE[1]
_NOT_A_LOSS = {"elapsed_s", "examples_per_s", "learning_rate", "step", "epoch", "n_steps", "active_channels"}
_UNITS = {
    "_nats_per_token": "nats per token",
    "_bits_per_image": "bits per image",
    "_nats": "nats per image",
}
_NAMES = {
    "bce": "reconstruction (BCE)",
    "kl": "KL to the prior",
    "nll": "negative log-likelihood",
    "loss": "loss (total)",
    "commitment": "commitment",
}


def loss_parts(rows: Sequence[Row]) -> list[str]:
    """Names of the loss parts that occur in rows of metrics, total first, in order of appearance.

    A total of a single part equals it, and is left out. Members of a group ("kl_nats/03") are not parts.
    """
    names = {
        key: None
        for row in rows
        for key, value in row.items()
        if key not in _NOT_A_LOSS and "/" not in key and isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(names) == 2:
        names.pop("loss", None)
    return sorted(names, key=lambda name: name != "loss")


def loss_figure(rows: Sequence[Row], *, height: int = 280) -> go.Figure:
    """One panel per loss part; training as a line, validation as marked points.

    Parameters
    ----------
    rows : sequence of mappings
        Rows of metrics of one stage: "split", "step", and the parts with their units in their names.
    """
    parts = loss_parts(rows)
    titles = [part_title(part) for part in parts]
    total_unit = next((unit for _, unit in titles if unit), "")
    figure = make_subplots(
        rows=1,
        cols=max(len(parts), 1),
        subplot_titles=[
            f"{name}<br>{unit or (total_unit if part == 'loss' else '')}"
            for part, (name, unit) in zip(parts, titles, strict=True)
        ],
        horizontal_spacing=0.07,
        shared_xaxes="all",
    )
    figure.update_annotations(font_size=13)
    for column, part in enumerate(parts, start=1):
        train, validation = (_series(rows, split, "step", part) for split in ("train", "validation"))
        line = go.Scatter(
            x=train[0], y=train[1], mode=_mode(train[0]), name="training", line={"color": _TRAIN, "width": 1.5}
        )
        marks = go.Scatter(
            x=validation[0],
            y=validation[1],
            mode="lines+markers",
            name="validation",
            line={"color": _VALIDATION, "width": 1.5, "dash": "dot"},
            marker={"symbol": "diamond", "size": 7},
        )
        for trace in (line, marks):
            trace.update(legendgroup=trace.name, showlegend=column == 1)
            figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(**AXIS, title_text="step")
    figure.update_yaxes(**AXIS)
    framed(figure, height=height, top=72)
    return figure.update_layout(legend_y=1.24)


def throughput_figure(rows: Sequence[Row], *, height: int = 280) -> go.Figure:
    """Training examples per second against the time since the start of the stage."""
    seconds, rate = _series(rows, "train", "elapsed_s", "examples_per_s")
    line = go.Scatter(
        x=seconds, y=rate, mode=_mode(seconds), line={"color": QUALITATIVE[2], "width": 1.5}, showlegend=False
    )
    figure = go.Figure(line)
    figure.update_xaxes(**AXIS, title_text="time (s)")
    figure.update_yaxes(**AXIS, title_text="examples per second", rangemode="tozero")
    return framed(figure, height=height, top=72)


def part_title(part: str) -> tuple[str, str]:
    """Words and unit of a loss part, from its name: "kl_nats" -> ("KL to the prior", "nats per image")."""
    for suffix, unit in _UNITS.items():
        if part.endswith(suffix):
            name = part.removesuffix(suffix)
            return _NAMES.get(name, name.replace("_", " ")), unit
    return _NAMES.get(part, part.replace("_", " ")), ""


def _mode(x: Sequence[float]) -> str:
    return "lines" if len(x) > 1 else "lines+markers"  # a line through one point draws nothing


def _series(rows: Sequence[Row], split: str, x: str, y: str) -> tuple[list[float], list[float]]:
    points = [(row[x], row[y]) for row in rows if row.get("split") == split and x in row and y in row]
    finite = [(float(a), float(b)) for a, b in points if a is not None and b is not None and math.isfinite(b)]
    return [a for a, _ in finite], [b for _, b in finite]
