"""Figures of a document that follow from a study: made from its table, and held against what the document says.

Lines between `<!-- study:NAME -->` and `<!-- /study -->` are those that the study generates under that name.
"""

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geovq.artifacts import write_bytes_atomic
from geovq.errors import ConfigError, DataError
from geovq.study.methods import Method, measured_rows, method_of
from geovq.study.summary import Summary, read_summary
from geovq.study.table import TABLE_NAME, VAE, StudyRow, read_table

_BEGIN = re.compile(r"<!-- study:(?P<name>[\w-]+) -->\s*$")
_END = "<!-- /study -->"
_COLUMNS = (
    Method("", "own"),
    Method("", "joint"),
    Method("", "own", refit=True),
    Method("", "joint", refit=True),
)


@dataclass(frozen=True)
class Source:
    """What blocks are made from."""

    rows: Sequence[StudyRow]
    summary: Summary


def check_document(path: Path, folder: Path, *, write: bool = False) -> int:
    """Hold every generated block of a document against the study.

    Parameters
    ----------
    path : Path
        A Markdown file.
    folder : Path
        Holds the table and the summary.
    write : bool, default=False
        Replace the blocks that differ.

    Returns
    -------
    int
        Blocks that there are.

    Raises
    ------
    ConfigError
        If a line differs and nothing is to be written, a block has no end or an unknown name, or there is no block.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); name a Markdown file.") from error
    source = Source(read_table(folder / TABLE_NAME), read_summary(folder))
    result: list[str] = []
    n_blocks, at = 0, 0
    while at < len(lines):
        result.append(lines[at])
        opened = _BEGIN.match(lines[at])
        at += 1
        if opened is None:
            continue
        n_blocks += 1
        end = next((i for i in range(at, len(lines)) if lines[i].strip() == _END), None)
        if end is None:
            raise ConfigError(f"{path}, line {at}: the block {opened['name']} has no end; add {_END}.")
        made = _block(path, at, opened["name"], source)
        if not write:
            _require_equal(path, at, opened["name"], lines[at:end], made)
        result += made
        at = end
    if not n_blocks:
        raise ConfigError(f"{path} has no block of a study; one begins with <!-- study:NAME -->, NAME {_names()}.")
    if write and result != lines:
        write_bytes_atomic(path, ("\n".join(result) + "\n").encode())
    return n_blocks


def _block(path: Path, line: int, name: str, source: Source) -> list[str]:
    kind, _, dataset = name.partition("-")
    if kind not in _BLOCKS:
        raise ConfigError(f"{path}, line {line}: a study has no block {name}; it has {_names()}.")
    return _BLOCKS[kind](source, dataset)


def _require_equal(path: Path, line: int, name: str, said: Sequence[str], made: Sequence[str]) -> None:
    for i in range(max(len(said), len(made))):
        ours, theirs = (lines[i] if i < len(lines) else "nothing" for lines in (said, made))
        if ours != theirs:
            raise ConfigError(
                f"{path}, line {line + 1 + i}, block {name}: says {ours.strip()!r} where the study says "
                f"{theirs.strip()!r}; `geovq study check {path} --write` rewrites it."
            )


def _points(source: Source, dataset: str) -> list[str]:
    """MSE at bits per token of each tokenizer and K, means over seeds; of joint search at the price measured most."""
    rows = [row for row in measured_rows(source.rows) if row.dataset == dataset]
    lines = ["| tokenizer | K | own rule | joint | own rule, refit | joint, refit |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row.tokenizer for row in rows if row.tokenizer != VAE):
        for n_codes in sorted({row.n_codes for row in rows if row.tokenizer == name}):
            here = [row for row in rows if (row.tokenizer, row.n_codes) == (name, n_codes)]
            cells = [_mean([row for row in here if (row.search, row.refit) == (m.search, m.refit)]) for m in _COLUMNS]
            lines.append(f"| {name} | {n_codes} | " + " | ".join(cells) + " |")
    own = [row for row in rows if row.tokenizer == VAE]
    return [*lines, f"| the VAE itself | – | {_mean(own)} | – | – | – |"]


def _mean(rows: Sequence[StudyRow]) -> str:
    if not rows:
        return "–"
    prices = [(row.bit_price, row.prices) for row in rows]
    price = max(sorted(set(prices)), key=prices.count)
    chosen = [row for row in rows if (row.bit_price, row.prices) == price]
    mse = statistics.fmean(row.mse for row in chosen if row.mse is not None)
    bits = [row.bits_per_token for row in chosen if row.bits_per_token is not None]
    rate = f" at {statistics.fmean(bits):.2f}" if bits else ""
    return f"{mse:.5f}{rate}" + (f" (λ = {price[0]:g})" if price[0] else "")


def _claims(source: Source, dataset: str) -> list[str]:
    lines = ["| claim | data | aim | found (95 % interval) | verdict |", "|---|---|---|---|---|"]
    return lines + [
        f"| {one.claim} | {one.dataset} | {one.aim} | {one.found} | {one.verdict} |"
        for one in source.summary.findings
        if not dataset or one.dataset == dataset
    ]


def _sentences(source: Source, dataset: str) -> list[str]:
    return [f"- {one.sentence}" for one in source.summary.comparisons if one.dataset == dataset]


def _priors(source: Source, dataset: str) -> list[str]:
    """Each point with a prior, seed by seed."""
    rows = [
        row for row in source.rows if row.dataset == dataset and row.prior_bits_per_image is not None and not row.error
    ]
    lines = [
        "| tokenizer | K | seed | MSE | bits/token | prior, bits/image | description, nats/image |",
        "|---|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {method_of(row).name} | {row.n_codes} | {row.seed} | {row.mse:.5f} | {row.bits_per_token:.2f} | "
        f"{row.prior_bits_per_image:.1f} | {row.description_length:.1f} |"
        for row in sorted(rows, key=lambda row: row.description_length or 0)
    ]


def _ablation(source: Source, dataset: str) -> list[str]:
    """Each change of one setting beside the point that it changes."""
    rows = [row for row in source.rows if row.dataset == dataset and not row.error]
    lines = ["| change | at | MSE, bits/token | without the change |", "|---|---|---|---|"]
    for row in (row for row in rows if row.ablation):
        place = f"{method_of(row).name}, K = {row.n_codes}"
        without = [one for one in measured_rows(rows) if _place(one) == _place(row)]
        lines.append(f"| {row.ablation} | {place} | {_mean([row])} | {_mean(without)} |")
    return lines


def _place(row: StudyRow) -> tuple[object, ...]:
    return row.seed, method_of(row), row.n_codes, row.bit_price


_BLOCKS: Mapping[str, Callable[[Source, str], list[str]]] = {
    "points": _points,
    "claims": _claims,
    "sentences": _sentences,
    "priors": _priors,
    "ablation": _ablation,
}


def _names() -> str:
    return ", ".join(f"{name}-DATASET" for name in _BLOCKS if name != "claims") + " or claims"
