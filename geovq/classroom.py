"""Classroom mode: an app that many may use shows chosen runs, and changes nothing.

`GEOVQ_MODE=classroom` forbids everything that starts, stops or deletes something, at the functions that do it.
`GEOVQ_RUNS` lists the own runs that are shown, besides those that came with geovq.
"""

import os
import re
from pathlib import Path

from geovq.errors import ConfigError, JobError

MODE, RUNS = "GEOVQ_MODE", "GEOVQ_RUNS"  # environment variables
_CLASSROOM = "classroom"


def is_classroom() -> bool:
    """Whether this process serves a classroom.

    Raises
    ------
    ConfigError
        If `GEOVQ_MODE` names another mode: a mistyped one must not open what it should close.
    """
    mode = os.environ.get(MODE, "")
    if mode not in ("", _CLASSROOM):
        raise ConfigError(f"{MODE} must be {_CLASSROOM!r}, or not be set; got {mode!r}.")
    return mode == _CLASSROOM


def refuse_in_classroom(action: str) -> None:
    """Raise `JobError` in a classroom; `action` names what was asked for, as in "starting a job"."""
    if is_classroom():
        raise JobError(
            f"This app is in classroom mode, where {action} is not allowed; start one without {MODE} for that."
        )


def listed_runs() -> frozenset[str]:
    """Ids "dataset/name" of the own runs that a classroom sees, separated by commas or spaces in `GEOVQ_RUNS`.

    Raises
    ------
    ConfigError
        If an entry is no such id.
    """
    ids = frozenset(re.split(r"[,\s]+", os.environ.get(RUNS, "").strip())) - {""}
    for run_id in sorted(ids):
        if len(run_id.split("/")) != 2:
            raise ConfigError(f"{RUNS} must list runs as dataset/name, separated by commas; got {run_id!r}.")
    return ids


def is_shown(run_path: Path, root: Path, shipped_root: Path) -> bool:
    """Whether a run may be looked at here.

    Parameters
    ----------
    run_path : Path
    root : Path
        Of own runs.
    shipped_root : Path
        Of the runs that came with geovq.
    """
    if not is_classroom():
        return True
    path = run_path.resolve()
    return path.parent == shipped_root.resolve() or path in {root.resolve() / run_id for run_id in listed_runs()}
