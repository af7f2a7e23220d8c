"""Tables of runs and tokenizers with units, as data frames and the settings of their columns."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from geovq.app.shared.links import link_id
from geovq.app.shared.wording import GLOSSARY
from geovq.evaluation import TokenUsage
from geovq.runs import RunSummary
from geovq.runs.process.status import State
from geovq.viz import tokenizer_style
from geovq.viz.arrays import Array

# column -> heading with unit, number format, key into the glossary
_MEASURES = {
    "entropy_bits": ("rate (bits/token)", "%.3f", "rate"),
    "distortion": ("distortion (pixel²)", "%.5f", "distortion"),
    "distortion_standard_error": ("± standard error", "%.5f", "distortion"),
    "mse": ("MSE (pixel²)", "%.5f", "mse"),
    "psnr_db": ("PSNR (dB)", "%.2f", "psnr"),
    "bce_nats_per_image": ("BCE (nats/image)", "%.1f", "bce"),
    "n_codes": ("codes K", "%d", "code"),
    "n_used": ("used codes", "%d", "dead"),
    "perplexity": ("perplexity", "%.1f", "perplexity"),
    "prior_nll_nats_per_token": ("prior (nats/token)", "%.3f", "nll"),
    "prior_bits_per_image": ("prior (bits/image)", "%.1f", "nll"),
    "description_length_nats": ("BCE + prior (nats/image)", "%.1f", "nll"),
}


def measurement_table(measurements: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row per tokenizer, and one for the VAE without quantizing, whose rate and distortion stay empty."""
    rows = [
        {"tokenizer": tokenizer_style(name).label if name != "vae" else "VAE, not quantized"}
        | {column: values.get(column) for column in _MEASURES}
        for name, values in measurements.items()
    ]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def measurement_columns() -> dict[str, Any]:
    """Headings, formats and explanations of `measurement_table`."""
    numbers = {
        column: st.column_config.NumberColumn(heading, format=form, help=GLOSSARY[word])
        for column, (heading, form, word) in _MEASURES.items()
    }
    return {"tokenizer": st.column_config.TextColumn("tokenizer", pinned=True, help=GLOSSARY["tokenizer"])} | numbers


def run_table(summaries: Iterable[RunSummary]) -> pd.DataFrame:
    """One row per run with the headline numbers that it has."""
    return pd.DataFrame(
        [
            {
                "run": link_id(summary),
                "state": _state_words(summary),
                "created": pd.Timestamp(summary.created, unit="s"),
                **{name: value for name, value in summary.headline.items() if name != "vae_mse"},
            }
            for summary in summaries
        ]
    )


def _state_words(summary: RunSummary) -> str:
    if summary.problem:
        return "cannot be read"
    if summary.state is State.DONE and summary.unfinished:
        return "done in part"
    if summary.state is not None:
        return summary.state.value
    return "shipped" if summary.shipped else "made by hand"


def run_columns() -> dict[str, Any]:
    """Headings, formats and explanations of `run_table`."""
    return {
        "run": st.column_config.TextColumn("run", pinned=True),
        "created": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm"),
        "n_codes": st.column_config.NumberColumn("codes K", help=GLOSSARY["code"]),
    } | {
        f"{name}_{column}": st.column_config.NumberColumn(
            f"{tokenizer_style(name).label} {heading}", format=form, help=GLOSSARY[word]
        )
        for name in ("kmeans", "riemannian")
        for column, heading, form, word in (
            ("bits_per_token", "bits/token", "%.2f", "rate"),
            ("distortion", "distortion", "%.5f", "distortion"),
        )
    }


def measured_on(measurements: Mapping[str, Mapping[str, Any]]) -> str:
    """On how many held-out images measurements were made, for a caption."""
    counts = sorted({int(values["n_images"]) for values in measurements.values()})
    return " or ".join(f"{count:,}" for count in counts) + " held-out images"


def usage_rows(usages: Mapping[str, TokenUsage]) -> pd.DataFrame:
    """Counts of every code under several tokenizers, one row each."""
    return pd.concat(
        pd.DataFrame({"tokenizer": name, "code": np.arange(len(usage.counts)), "count": usage.counts})
        for name, usage in usages.items()
    )


def position_rows(maps: Mapping[str, Array], quantity: str) -> pd.DataFrame:
    """Maps over the lattice, one row per map and cell."""
    return pd.DataFrame(
        {"map": title, "row": row, "column": column, quantity: value}
        for title, values in maps.items()
        for (row, column), value in np.ndenumerate(values)
    )
