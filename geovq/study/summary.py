"""What follows from a study's table and per-image files: every method against every rival, and the claims."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from geovq.artifacts import file_digest, read_json, write_json
from geovq.errors import ArtifactError, InvalidValueError
from geovq.study.claims import Finding, findings
from geovq.study.comparing import compare_curves
from geovq.study.methods import Method, measured_rows, methods_in, on_common_ground
from geovq.study.table import TABLE_NAME, StudyRow, read_table

SUMMARY_NAME = "summary.json"


@dataclass(frozen=True)
class Comparison:
    """One method against another on one data set; see `CurveComparison` for the numbers."""

    dataset: str
    method: str
    other: str
    outcome: str
    error_ratio: tuple[float | None, float | None, float | None]
    bits_saved: tuple[float | None, float | None, float | None]
    sentence: str


@dataclass(frozen=True)
class Summary:
    """All comparisons and claims, and the digest of the table that they follow from."""

    table: str
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]


def summarise(out: Path, *, n_resamples: int = 300, n_resamples_of_claims: int = 1_000) -> Summary:
    """Compute the summary of a study, and write it beside its table.

    Parameters
    ----------
    out : Path
        Folder of the study.
    n_resamples : int, default=300
        Draws of seeds and images for each pair of methods.
    n_resamples_of_claims : int, default=1000
        The same for each claim.

    Raises
    ------
    ArtifactError
        If the table or a per-image file is missing or damaged.
    """
    table = out / TABLE_NAME
    rows = read_table(table)
    usable = measured_rows(rows)
    compared = [
        comparison
        for dataset in sorted({row.dataset for row in usable}, reverse=True)
        for comparison in _comparisons(usable, out, dataset, n_resamples)
    ]
    found = findings(rows, out, n_resamples=n_resamples_of_claims)
    summary = Summary(file_digest(table), tuple(compared), tuple(found))
    write_json(out / SUMMARY_NAME, dataclasses.asdict(summary))
    return summary


def read_summary(folder: Path) -> Summary:
    """The summary that lies beside a table; `ArtifactError` if it is missing, damaged or of another table."""
    path = folder / SUMMARY_NAME
    remedy = "`geovq study summary` makes it again"
    values = read_json(path, remedy=remedy)
    try:
        summary = Summary(
            values["table"],
            tuple(
                Comparison(**{**one, "error_ratio": tuple(one["error_ratio"]), "bits_saved": tuple(one["bits_saved"])})
                for one in values["comparisons"]
            ),
            tuple(Finding(**one) for one in values["findings"]),
        )
    except (KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {remedy}.") from error
    if summary.table != file_digest(folder / TABLE_NAME):
        raise ArtifactError(f"{path} follows from another table than {folder / TABLE_NAME}; {remedy}.")
    return summary


def summary_text(summary: Summary) -> str:
    """For the terminal."""
    lines = []
    for dataset in dict.fromkeys(one.dataset for one in summary.comparisons):
        ours = [one for one in summary.comparisons if one.dataset == dataset]
        counts = {word: sum(one.outcome == word for one in ours) for word in ("win", "tie", "loss", "apart")}
        lines += [f"{dataset}: " + ", ".join(f"{n} {word}" for word, n in counts.items())]
        lines += [f"  {one.sentence}" for one in ours]
    lines += ["", "claims:"]
    for one in summary.findings:
        lines.append(f"  [{one.verdict}] {one.dataset}: {one.claim} {one.aim}: {one.found}")
    return "\n".join(lines)


def _comparisons(rows: Sequence[StudyRow], out: Path, dataset: str, n_resamples: int) -> Iterator[Comparison]:
    here = [row for row in rows if row.dataset == dataset]
    for method, other in _pairs(methods_in(here)):
        try:
            compared = compare_curves(*on_common_ground(here, out, dataset, (method, other)), n_resamples=n_resamples)
        except InvalidValueError:
            continue  # one of them makes no curve: too few points
        ratio, saved = compared.error_ratio, compared.bits_saved
        yield Comparison(
            dataset,
            method.name,
            other.name,
            compared.outcome,
            (_known(ratio.value), _known(ratio.lower), _known(ratio.upper)),
            (_known(saved.value), _known(saved.lower), _known(saved.upper)),
            compared.sentence(),
        )


def _pairs(methods: Sequence[Method]) -> Iterator[tuple[Method, Method]]:
    """Rivals under the same search and decoder; and of one tokenizer, what search and refit change."""
    ordered = sorted(methods, key=lambda method: (method.tokenizer, method.search == "joint", method.refit))[::-1]
    for method, other in combinations(ordered, 2):
        same_search, same_decoder = method.search == other.search, method.refit == other.refit
        is_own_kin = method.tokenizer == other.tokenizer and (same_search or same_decoder)
        if is_own_kin or (same_search and same_decoder):
            yield method, other


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
