"""What a job is doing: `status.json` of a run, and the `cancel` flag beside it.

Only the process that works on the run writes its status while the job lives; others read it, and leave flags. Some
states are derived on reading: a job whose process has ended without a final status is lost (or cancelled, if it was
asked to stop), and one that was asked to stop and still lives is cancelling.
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from geovq.artifacts import write_json
from geovq.errors import ArtifactError
from geovq.runs.process.pids import find_process

STATUS_FILE = "status.json"
CANCEL_FLAG = "cancel"
TERMINATED_FLAG = "cancel.terminated"  # SIGTERM was sent; left by geovq.jobs so that it is sent once


class State(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"
    LOST = "lost"

    @property
    def active(self) -> bool:
        """Whether a process is at work or waiting."""
        return self in (State.QUEUED, State.RUNNING, State.CANCELLING)

    @property
    def resumable(self) -> bool:
        """Whether the job ended before its work did."""
        return self in (State.CANCELLED, State.FAILED, State.LOST)


@dataclass(frozen=True)
class Status:
    """One job at one moment. Times are seconds since 1970."""

    state: State
    pid: int | None = None
    pid_started: float | None = None  # geovq.runs.process.pids.process_start
    stage: str = ""
    stage_index: int = 0  # counted from 1
    n_stages: int = 0
    phase: str = ""
    step: int = 0
    total: int = 0
    unit: str = ""  # plural noun: "steps"
    rate_per_s: float | None = None
    eta_s: float | None = None  # until the phase ends
    message: str = ""
    remedy: str = ""
    queued_at: float | None = None
    started_at: float | None = None
    updated_at: float | None = None


_SCHEMA = TypeAdapter(Status)


def read_status(run_path: str | Path) -> Status | None:
    """What the job of a run is doing now.

    Returns
    -------
    Status or None
        None if the run never had a job.

    Raises
    ------
    ArtifactError
        If the file is there but cannot be read.
    """
    stored = stored_status(run_path)
    while stored is not None and stored.state.active:
        asked_to_stop = cancel_requested(run_path)
        if find_process(stored.pid, stored.pid_started) is not None:
            return replace(stored, state=State.CANCELLING) if asked_to_stop else stored
        # The process may have written its final status after our first look: read again, now that it has ended.
        latest = stored_status(run_path)
        if latest == stored:
            return _ended_without_a_word(stored, asked_to_stop)
        stored = latest
    return stored


def stored_status(run_path: str | Path) -> Status | None:
    """The status as it was last written, whether or not the process still lives; errors as `read_status`."""
    path = Path(run_path) / STATUS_FILE
    try:
        content = path.read_bytes()
        # An empty file is one that `create_status` has opened and not yet filled.
        return _SCHEMA.validate_json(content) if content else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error}); make it readable.") from error
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the file"
        raise ArtifactError(f"{path} is damaged at {place}; delete that file and start the run again.") from error


def write_status(run_path: str | Path, status: Status) -> None:
    """Replace the status, whole or not at all; `ArtifactError` if it cannot be written."""
    write_json(Path(run_path) / STATUS_FILE, asdict(status))


def create_status(run_path: str | Path, status: Status) -> bool:
    """Write the status only if there is none, so that it never replaces the first one that the worker writes.

    Returns
    -------
    bool
        False if there was one already.
    """
    path = Path(run_path) / STATUS_FILE
    try:
        with path.open("xb", buffering=0) as file:  # unbuffered: one write, so a reader sees nothing or all of it
            file.write((json.dumps(asdict(status), indent=2) + "\n").encode())
    except FileExistsError:
        return False
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written ({error}); make its folder writable or free some space."
        ) from error
    return True


def request_cancel(run_path: str | Path) -> None:
    """Leave the flag that asks the run's job to stop; `cancel_age_s` tells how long ago."""
    path = Path(run_path) / CANCEL_FLAG
    try:
        path.touch(exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written ({error}); make its folder writable.") from error


def cancel_requested(run_path: str | Path) -> bool:
    """Whether the run's job is asked to stop."""
    return (Path(run_path) / CANCEL_FLAG).exists()


def cancel_age_s(run_path: str | Path) -> float | None:
    """Seconds since the job was asked to stop; None if it was not."""
    try:
        return time.time() - (Path(run_path) / CANCEL_FLAG).stat().st_mtime
    except OSError:
        return None


def clear_cancel(run_path: str | Path) -> None:
    """Remove the flag, for a job that has ended or has not begun."""
    for name in (CANCEL_FLAG, TERMINATED_FLAG):
        (Path(run_path) / name).unlink(missing_ok=True)


def _ended_without_a_word(stored: Status, asked_to_stop: bool) -> Status:
    gone = replace(stored, rate_per_s=None, eta_s=None)
    if asked_to_stop:
        return replace(
            gone,
            state=State.CANCELLED,
            message="The job was stopped.",
            remedy="Start it again to go on from its files.",
        )
    return replace(
        gone,
        state=State.LOST,
        message="The job's process is gone without a last word: it crashed, or was killed by hand, by a restart of the "
        "machine or for want of memory.",
        remedy="Read the end of job.log, then start the run again: it goes on from its last checkpoint.",
    )
