"""Taking a comparison away: its numbers as JSON, its pictures as PNG, all of it as one HTML file."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from geovq.app.compare import data as compare_data
from geovq.app.compare.controls import ERROR_TITLES, comparable_runs, names_of
from geovq.app.compare.data import Measure, Side
from geovq.app.compare.pictures import ordered, picture_rows
from geovq.app.compare.table import comparison_columns, comparison_table, measured_points
from geovq.app.compare.verdict import interval_words
from geovq.viz import mosaic_figure
from geovq.viz.images import mosaic, png_uri
from geovq.viz.rate_distortion import rate_error_figure
from geovq.viz.report import Section, report_html

_N_PICTURES = 16
_ENLARGED = 3


@dataclass(frozen=True)
class Comparison:
    """Two sides, the error that decides, the sentence it ends in, and what it says about the VQ-VAE."""

    a: Side
    b: Side
    measure: Measure
    verdict: str
    against_rival: str = ""

    @property
    def table(self) -> pd.DataFrame | None:
        """All measurements of both runs, if there are any."""
        runs = {side.run.path: side.run for side in (self.a, self.b)}.values()
        measured = [(run, dict(run.measurements)) for run in runs if run.measurements]
        return comparison_table(measured) if measured else None


def export_section(comparison: Comparison) -> None:
    """Buttons; a file is made when its button is pressed."""
    st.subheader("Take it with you")
    with st.container(horizontal=True):
        _button("HTML report", lambda: report(comparison), "compare.html", "text/html", "One file, readable offline.")
        _button("Numbers", lambda: numbers_json(comparison), "compare.json", "application/json", "As JSON.")
        _button("Pictures", lambda: pictures_png(comparison), "compare.png", "image/png", f"The first {_N_PICTURES}.")
    st.caption("Tables have their CSV beside them, charts a camera for a PNG of what they show.")


def numbers_json(comparison: Comparison) -> str:
    """What was compared and what came out, with every measurement of both runs."""
    a, b, measure = comparison.a, comparison.b, comparison.measure
    table = comparison.table
    values = {
        "verdict": comparison.verdict,
        "against_vqvae": comparison.against_rival,
        "error": measure,
        "a": _side_values(a, measure),
        "b": _side_values(b, measure),
        "difference_a_minus_b": compare_data.difference(a, b, measure).summary(),
        "interval": "percentile bootstrap over held-out images, paired",
        "measurements": [] if table is None else json.loads(table.to_json(orient="records")),
    }
    return json.dumps(values, indent=2, ensure_ascii=False)


def pictures_png(comparison: Comparison) -> bytes:
    """Rows of pictures and errors, enlarged without blurring."""
    _, tiles = _pictures(comparison)
    picture = mosaic(tiles.repeat(_ENLARGED, axis=2).repeat(_ENLARGED, axis=3), gap=_ENLARGED)
    return base64.b64decode(png_uri(picture).partition(",")[2])


def report(comparison: Comparison) -> str:
    """The whole comparison as one document."""
    a, b, measure = comparison.a, comparison.b, comparison.measure
    names = names_of(a, b)
    labels, tiles = _pictures(comparison)
    indices = _indices(comparison)
    sections = [
        Section(
            "The same images",
            f"A: {names[0]}. B: {names[1]}. Errors: red is too bright, blue too dark.",
            mosaic_figure(tiles, row_labels=labels, column_labels=[str(index) for index in indices]),
        )
    ]
    if (table := comparison.table) is not None:
        points = measured_points(a, b, measure, list(comparable_runs(a.run).values()))
        if points:
            figure = rate_error_figure(points, error_title=ERROR_TITLES[measure])
            sections.append(Section("Rate and error", "Whiskers are two standard errors.", figure))
        headings = {name: column["label"] for name, column in comparison_columns().items()}
        sections.append(Section("All measurements", "On held-out images.", table=table.rename(columns=headings)))
    sentences = (comparison.verdict, comparison.against_rival, interval_words(compare_data.difference(a, b, measure)))
    lead = [f"{sentence}." for sentence in sentences if sentence]
    source = f"geovq · A: run {a.run.id}, seed {a.run.seed} · B: run {b.run.id}, seed {b.run.seed}"
    return report_html(f"{names[0]} against {names[1]}", lead, sections, source=source)


def _button(label: str, data: Any, name: str, mime: str, help: str) -> None:
    st.download_button(
        label,
        data=data,
        file_name=f"geovq-{name}",
        mime=mime,
        key=f"download_{name}",
        help=help,
        on_click="ignore",
        icon=":material/download:",
    )


def _side_values(side: Side, measure: Measure) -> dict[str, Any]:
    return {
        "run": side.run.id,
        "seed": side.run.seed,
        "fingerprint": side.run.fingerprint,
        "tokenizer": side.tokenizer,
        "decoder": side.decoder,
        "rate_bits_per_token": compare_data.rate_bits(side),
        "mean_error": float(compare_data.errors(side, measure).mean()),
    }


def _indices(comparison: Comparison) -> tuple[int, ...]:
    return tuple(ordered(comparison.a, comparison.b, comparison.measure, "")[:_N_PICTURES])


def _pictures(comparison: Comparison) -> tuple[list[str], Any]:
    return picture_rows(comparison.a, comparison.b, _indices(comparison), errors=True)
