"""Everything that was measured about the tokenizers of two runs, as one table and as points of a plane."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from geovq.app.compare.data import Measure, Side
from geovq.app.shared import tables
from geovq.app.shared.decoders import decoder_words
from geovq.reports.points import REFIT, Measurements, curve_of, points_of
from geovq.runs import Run, RunSummary
from geovq.viz import tokenizer_style
from geovq.viz.rate_distortion import Measured

_MORE = {  # column -> heading with unit, number format, explanation
    "ssim": ("SSIM", "%.4f", "Structural similarity of original and reconstruction; 1 if they are equal."),
    "samples_frechet_distance": (
        "samples: Fréchet distance",
        "%.1f",
        "How far images drawn from the prior are from real ones, in the eyes of a small classifier. Lower is better.",
    ),
}


def with_refits(measurements: Measurements) -> dict[str, dict[str, Any]]:
    """Measurements by words for tokenizer and decoder: those of a refitted decoder are a row of their own."""
    rows: dict[str, dict[str, Any]] = {}
    for name, values in measurements.items():
        rows[name] = {key: value for key, value in values.items() if not key.startswith(REFIT)}
        refit = {key.removeprefix(REFIT): value for key, value in values.items() if key.startswith(REFIT)}
        if refit:
            # A distortion is of the decoder whose lattices were quantized; the refitted one has none.
            kept = {key: value for key, value in rows[name].items() if not key.startswith("distortion")}
            rows[tokenizer_style(name).label + decoder_words("refit")] = kept | refit
    return rows


def comparison_table(measured: Sequence[tuple[Run, Measurements]]) -> pd.DataFrame:
    """One row per run, tokenizer and decoder."""
    parts = []
    for run, measurements in measured:
        rows = with_refits(measurements)
        table = tables.measurement_table(rows)
        for column in _MORE:
            table[column] = [values.get(column) for values in rows.values()]
        table.insert(0, "run", run.id)
        parts.append(table)
    whole = pd.concat(parts, ignore_index=True)
    return whole.dropna(axis="columns", how="all")


def comparison_columns() -> dict[str, Any]:
    """Headings, formats and explanations of `comparison_table`."""
    more = {
        column: st.column_config.NumberColumn(heading, format=form, help=words)
        for column, (heading, form, words) in _MORE.items()
    }
    return {"run": st.column_config.TextColumn("run")} | tables.measurement_columns() | more


def measured_points(a: Side, b: Side, measure: Measure, others: Sequence[RunSummary]) -> list[Measured]:
    """Tokenizers of both runs and of all others on the same kind of images, as far as they were measured."""
    runs = {run.path: run for run in (a.run, b.run)}
    points = [point for run in runs.values() for point in points_of(run.id, run.measurements, measure, curve_of(run))]
    elsewhere = [
        point
        for summary in others
        if summary.path not in runs
        for point in points_of(summary.id, summary.measurements, measure, "", role="elsewhere")
    ]
    return [_with_role(point, a, b, measure) for point in points] + elsewhere


def _with_role(point: Measured, a: Side, b: Side, measure: Measure) -> Measured:
    for role, side in (("a", a), ("b", b)):
        refitted = side.decoder == "refit" and measure == "mse"
        if (point.run, point.tokenizer, point.refitted) == (side.run.id, side.tokenizer, refitted):
            return replace(point, role=role)  # type: ignore[arg-type]
    return point
