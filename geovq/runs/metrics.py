"""`metrics.jsonl` of a run: one measurement per line, only ever appended to.

A line is written with one call, so a process that is killed leaves at most its last line incomplete. Readers ignore a
last line without an end, and the next job cuts it off before it appends.
"""

import json
import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from geovq.errors import ArtifactError
from geovq.progress import Scalar

METRICS_FILE = "metrics.jsonl"


def append_metrics(run_path: str | Path, row: Mapping[str, Scalar]) -> None:
    """Append one row; NaN and infinities, which JSON cannot hold, become null."""
    path = Path(run_path) / METRICS_FILE
    line = json.dumps({key: _finite_or_none(value) for key, value in row.items()}, ensure_ascii=False) + "\n"
    try:
        with path.open("ab", buffering=0) as file:
            file.write(line.encode())
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written ({error}); make it writable or free some space.") from error


def read_metrics(run_path: str | Path, after: int = 0) -> list[dict[str, Scalar]]:
    """Rows in the order they were written.

    Parameters
    ----------
    run_path : path
    after : int, default=0
        Skip this many rows: a poll asks for what follows the rows it has.

    Returns
    -------
    list of dict
        Empty if nothing was measured yet.

    Raises
    ------
    ArtifactError
        If a whole line is not a row.
    """
    path = Path(run_path) / METRICS_FILE
    rows = []
    try:
        with path.open("rb") as file:
            for number, line in islice(enumerate(file, start=1), after, None):
                if not line.endswith(b"\n"):
                    break
                rows.append(_parsed(line, path, number))
    except FileNotFoundError:
        return []
    except ArtifactError:
        raise
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error}); make it readable.") from error
    return rows


def without_repetitions(rows: list[dict[str, Scalar]]) -> list[dict[str, Scalar]]:
    """Rows in order, without those that a stage wrote again after it went back to an earlier step."""
    kept: list[dict[str, Scalar]] = []
    latest: dict[Scalar, dict[str, Scalar]] = {}  # last row of each stage
    for row in rows:
        before = latest.get(row.get("stage"))
        if before is not None and _replaces(row, before):
            kept = [earlier for earlier in kept if not _replaces(row, earlier)]
        kept.append(row)
        latest[row.get("stage")] = row
    return kept


def drop_torn_line(run_path: str | Path) -> None:
    """Cut off a last line that a killed process left without its end."""
    path = Path(run_path) / METRICS_FILE
    if not path.exists():
        return
    try:
        with path.open("r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be mended ({error}); make it writable.") from error


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Scalar]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ArtifactError(f"{path}, line {number} is damaged ({error}); delete that line.") from error
    if not isinstance(row, dict):
        raise ArtifactError(f"{path}, line {number} is not a row of measurements; delete that line.")
    return row


def _finite_or_none(value: Scalar) -> Scalar:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _replaces(row: Mapping[str, Scalar], earlier: Mapping[str, Scalar]) -> bool:
    """Whether `row` measures a step, or one before it, at which `earlier` of the same stage was measured before."""
    if row.get("stage") != earlier.get("stage"):
        return False
    step, before = row.get("step"), earlier.get("step")
    if not isinstance(step, int) or not isinstance(before, int):
        return False
    # At the end of an epoch, training and validation share a step, in this order.
    return before > step or (before == step and (earlier.get("split"), row.get("split")) != ("train", "validation"))
