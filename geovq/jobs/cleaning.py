"""What can be thrown away below an outputs root: runs that came to nothing, old runs, and what killed processes left.

Nothing is followed through a link, nothing that ships with geovq or that a process works on is listed, and both are
looked at again, under the lock of those who start jobs, when something is deleted.
"""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from geovq.catalogue.datasets import DATASETS
from geovq.config import RUN_NAME_PATTERN
from geovq.errors import ArtifactError, JobError
from geovq.jobs.folders import changing_runs, delete_run, refuse_if_active
from geovq.replacing import UNFINISHED
from geovq.runs.layout import is_shipped
from geovq.runs.process.status import State, read_status

_SETTLED_S = 3_600.0  # since the last change of a leftover: before that, somebody may be writing it
_DELETED = re.compile(r"\..+\.deleted\.[0-9a-f]{8}")  # as `delete_run` renames a run
_BESIDE = re.compile(rf"\..+\.[0-9a-f]{{8}}{re.escape(UNFINISHED)}")  # as `replacing` and `ship` name what is not whole
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Rubbish:
    """Something that can be deleted.

    Attributes
    ----------
    path : Path
    is_run : bool
        Else a leftover.
    why : str
        "failed", "cancelled", "old" or "left over".
    changed_at : float
        Seconds since 1970.
    n_bytes : int
    """

    path: Path
    is_run: bool
    why: str
    changed_at: float
    n_bytes: int


def rubbish(root: Path, *, older_than_days: float | None = None) -> list[Rubbish]:
    """What can be deleted below a root, by path.

    Parameters
    ----------
    root : Path
        Resolved; it need not exist.
    older_than_days : float, optional
        List runs in any state that were not changed for so long too. By default only failed and cancelled ones.
    """
    found = []
    for dataset in _folders(root):
        found += [_leftover(entry) for entry in _entries(dataset) if _is_leftover(entry)]
        if dataset.name in DATASETS:
            for run in _folders(dataset):
                if re.fullmatch(RUN_NAME_PATTERN, run.name) and not is_shipped(run):
                    found += _of_run(run, older_than_days)
    return sorted(found, key=lambda one: one.path)


def delete(one: Rubbish, root: Path) -> None:
    """Delete what `rubbish` has listed.

    Raises
    ------
    JobError
        If somebody works on it now, or it cannot be deleted.
    InvalidValueError
        If a link leads out of the root.
    """
    if one.is_run:
        delete_run(one.path, root)
        return
    with changing_runs(root):
        run = next((parent for parent in one.path.parents if parent.parent.parent == root), None)
        if run is not None:
            refuse_if_active(run)
        if one.path.resolve() != one.path or not one.path.is_relative_to(root) or is_shipped(one.path):
            raise JobError(f"{one.path} is reached through a link or lies outside {root}; it stays.")
        try:
            if one.path.is_dir():
                shutil.rmtree(one.path)
            else:
                one.path.unlink(missing_ok=True)
        except OSError as error:
            raise JobError(f"{one.path} cannot be deleted ({error}); make it and its folder writable.") from error


def _of_run(run: Path, older_than_days: float | None) -> Iterator[Rubbish]:
    try:
        status = read_status(run)
    except ArtifactError:
        return  # whether a process works on it cannot be known
    if status is not None and status.state.active:
        return
    changed_at = _changed_at(run)
    is_old = older_than_days is not None and time.time() - changed_at > older_than_days * _DAY_S
    if status is not None and status.state in (State.FAILED, State.CANCELLED):
        yield Rubbish(run, True, str(status.state), changed_at, _n_bytes(run))
    elif is_old:
        yield Rubbish(run, True, "old", changed_at, _n_bytes(run))
    else:
        yield from (_leftover(entry) for entry in _below(run) if _is_leftover(entry))


def _is_leftover(path: Path) -> bool:
    named = _DELETED.fullmatch(path.name) if path.is_dir() else None
    is_ours = bool(named or _BESIDE.fullmatch(path.name))
    return is_ours and not is_shipped(path) and time.time() - _changed_at(path) > _SETTLED_S


def _leftover(path: Path) -> Rubbish:
    return Rubbish(path, False, "left over", _changed_at(path), _n_bytes(path))


def _entries(folder: Path) -> list[Path]:
    """Files and folders in a folder, without links."""
    try:
        return sorted(path for path in folder.iterdir() if not path.is_symlink())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _below(folder: Path) -> Iterator[Path]:
    """Everything below a folder, never through a link."""
    for entry in _entries(folder):
        yield entry
        if entry.is_dir():
            yield from _below(entry)


def _changed_at(path: Path) -> float:
    """When the newest part of it was changed."""
    return max(one.lstat().st_mtime for one in (path, *_below(path)))


def _n_bytes(path: Path) -> int:
    return sum(one.lstat().st_size for one in (path, *_below(path)) if one.is_file())
