"""Runs and measurements as plain text, for a terminal or a log."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geovq.runs.listing import RunSummary
from geovq.runs.reading import Run

_MEASURES = (  # key, heading with unit, format
    ("n_codes", "K", "d"),
    ("n_used", "used", "d"),
    ("entropy_bits", "bits/token", ".3f"),
    ("distortion", "distortion", ".5f"),
    ("mse", "MSE", ".5f"),
    ("psnr_db", "PSNR dB", ".2f"),
    ("ssim", "SSIM", ".4f"),
    ("bce_nats_per_image", "BCE nats", ".2f"),
    ("prior_bits_per_image", "prior bits/image", ".1f"),
    ("description_length_nats", "BCE + prior nats", ".1f"),
    ("samples_frechet_distance", "Fréchet", ".2f"),
    ("own_rule_entropy_bits", "own-rule bits/token", ".3f"),
    ("own_rule_mse", "own-rule MSE", ".5f"),
    ("before_refit_entropy_bits", "bits/token before refit", ".3f"),
    ("before_refit_mse", "MSE before refit", ".5f"),
    ("refit_mse", "refit MSE", ".5f"),
    ("refit_description_length_nats", "refit BCE + prior nats", ".1f"),
    ("refit_samples_frechet_distance", "refit Fréchet", ".2f"),
)


def distinct_names(runs: Sequence[Run], paths: Sequence[Path]) -> list[str]:
    """The id of each run; where several runs have the same, the folder that was asked for tells them apart."""
    ids = [run.id for run in runs]
    return [run.id if ids.count(run.id) == 1 else str(path) for run, path in zip(runs, paths, strict=True)]


def measurements_table(runs: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]]) -> str:
    """Rate and distortion of the tokenizers of each run; squared errors are per pixel in [0, 1].

    A measure that no tokenizer has gets no column.

    Parameters
    ----------
    runs : sequence of (name of the run, its measurements by tokenizer)
    """
    headings, values = measured_values(runs)
    forms = {heading: form for _, heading, form in _MEASURES}
    rows = [headings]
    for run, name, *numbers in values:
        cells = zip(headings[2:], numbers, strict=True)
        rows.append([run, name, *("" if number is None else format(number, forms[head]) for head, number in cells)])
    everything = [measured for _, by_name in runs for measured in by_name.values()]
    counts = sorted({measured["n_images"] for measured in everything})
    title = f"Measured on {' or '.join(format(count, ',') for count in counts)} held-out images"
    return f"{title}\n{_aligned(rows)}"


def measured_values(
    runs: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]],
) -> tuple[list[str], list[list[Any]]]:
    """Headings and rows of `measurements_table`, with numbers as they are and None where nothing was measured."""
    everything = [(run, name, measured) for run, by_name in runs for name, measured in by_name.items()]
    shown = [(key, heading) for key, heading, _ in _MEASURES if any(key in measured for _, _, measured in everything)]
    rows = [[run, name, *(measured.get(key) for key, _ in shown)] for run, name, measured in everything]
    return ["run", "tokenizer", *(heading for _, heading in shown)], rows


def runs_table(summaries: Sequence[RunSummary]) -> str:
    """One line per run, then what is wrong with those that cannot be opened."""
    if not summaries:
        return "There is no run yet; `python -m geovq run configs/demo.yaml` makes one in a few minutes."
    rows = [["run", "state", "created", "folder"]]
    for summary in summaries:
        created = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created))
        rows.append([summary.id, _state(summary), created, str(summary.path)])
    problems = [f"{summary.id}: {summary.problem}" for summary in summaries if summary.problem]
    return "\n".join([_aligned(rows), *([""] if problems else []), *problems])


def _state(summary: RunSummary) -> str:
    if summary.problem:
        return "damaged"
    return "shipped" if summary.shipped else str(summary.state or "no job yet")


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [all(_is_number(cell) for cell in column[1:]) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(".", "", 1).replace("-", "", 1).isdigit()
