"""From run ids to folders below an outputs root, and what may be done to them."""

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from geovq.catalogue.datasets import DATASETS
from geovq.classroom import refuse_in_classroom
from geovq.config import RUN_NAME_PATTERN
from geovq.errors import InvalidValueError, JobError
from geovq.runs.layout import is_shipped
from geovq.runs.process.device_slot import QUEUE_FOLDER
from geovq.runs.process.status import read_status

LOG_FILE = "job.log"
_LOCK_TIMEOUT_S = 30.0  # the lock is held for the time that it takes to start a process
_LOG_TAIL_BYTES = 256 * 1024


def resolve_run(outputs_root: str | Path, run_id: str) -> Path:
    """Absolute folder of a run; it need not exist.

    Parameters
    ----------
    outputs_root : path
    run_id : str
        "dataset/name".

    Raises
    ------
    InvalidValueError
        If the id has another form, or a link leads it out of the root.
    """
    dataset, _, name = run_id.partition("/")
    if dataset not in DATASETS or not re.fullmatch(RUN_NAME_PATTERN, name):
        raise InvalidValueError(
            f"{run_id!r} is not a run id; it must be dataset/name with a data set among "
            f"{', '.join(DATASETS)} and a name of at most 64 lower-case letters, digits, '.', '_' and '-'."
        )
    root = Path(outputs_root).resolve()
    path = root / dataset / name
    if path.resolve() != path:
        raise InvalidValueError(f"{path} is reached through a link; put the folder itself there.")
    return path


def require_run(outputs_root: str | Path, run_path: str | Path) -> Path:
    """The same run folder, absolute, if it is one below the root that may be changed.

    Raises
    ------
    JobError
        If the folder is a shipped run.
    InvalidValueError
        If it lies outside the root, or not two levels below it.
    """
    path = Path(run_path).absolute()
    if is_shipped(path):
        raise JobError(f"{path} ships with geovq and is read-only; train a run of your own to change it.")
    expected = resolve_run(outputs_root, f"{path.parent.name}/{path.name}")
    if path.resolve() != expected:
        raise InvalidValueError(
            f"{path} is not a run below {Path(outputs_root).resolve()}; only runs in the outputs folder can be changed."
        )
    return expected


def refuse_if_active(run_path: Path) -> None:
    """Raise `JobError` if a living process works on the run."""
    status = read_status(run_path)
    if status is not None and status.state.active:
        raise JobError(
            f"{run_path.parent.name}/{run_path.name} is {status.state} in process {status.pid}; "
            "wait until it ends, or cancel it first."
        )


@contextmanager
def changing_runs(outputs_root: Path) -> Iterator[None]:
    """Lock under which one process at a time starts or deletes runs below a root, so that its checks stay true.

    Raises
    ------
    JobError
        In a classroom, or if the lock cannot be had.
    """
    refuse_in_classroom("starting or deleting a run")
    folder = outputs_root / QUEUE_FOLDER
    lock = FileLock(folder / "launch.lock", timeout=_LOCK_TIMEOUT_S)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise JobError(f"Another process has been starting a job in {outputs_root} for long; try again.") from error
    except OSError as error:
        raise JobError(
            f"{outputs_root} cannot be written to ({error}); make it writable, or name another folder in GEOVQ_OUTPUTS."
        ) from error
    try:
        yield
    finally:
        lock.release()


def delete_run(run_path: str | Path, outputs_root: str | Path) -> None:
    """Remove a run and everything in it.

    Raises
    ------
    JobError
        If a job works on it, it ships with geovq, it does not exist, or it cannot be removed.
    InvalidValueError
        If it is not a run below the root.
    """
    path = require_run(outputs_root, run_path)
    with changing_runs(Path(outputs_root).resolve()):
        if not path.is_dir():
            raise JobError(f"{path} does not exist; it may have been deleted already.")
        refuse_if_active(path)
        # No run id begins with a dot, so from here on nobody takes the folder for a run, whatever happens.
        doomed = path.with_name(f".{path.name}.deleted.{secrets.token_hex(4)}")
        try:
            path.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise JobError(f"{path} cannot be deleted ({error}); make it and its folder writable.") from error


def tail_log(run_path: str | Path, n_lines: int = 100) -> str:
    """Last lines of what the job printed, oldest first; empty if it printed nothing."""
    try:
        with (Path(run_path) / LOG_FILE).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _LOG_TAIL_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-n_lines:])
