"""Stopping a job: by a flag, then SIGTERM, then SIGKILL.

A job that sees the flag saves a checkpoint and writes its final status. No function waits for a job to end: each call
of `reconcile`, which pages make whenever they poll, sends the signal that is due.
"""

import os
import signal
import sys
from pathlib import Path

import psutil

from geovq.classroom import refuse_in_classroom
from geovq.errors import JobError
from geovq.runs.process.pids import find_process
from geovq.runs.process.status import TERMINATED_FLAG, State, Status, cancel_age_s, read_status, request_cancel


def cancel(run_path: str | Path) -> None:
    """Ask the job of a run to stop; it does so at its next step, with its work saved.

    Raises
    ------
    JobError
        If no job works on the run, or in a classroom.
    """
    refuse_in_classroom("cancelling a job")
    status = read_status(run_path)
    if status is None or not status.state.active:
        state = f"its state is {status.state}" if status else "it never had one"
        raise JobError(f"{run_path} has no job to cancel ({state}); look at its state again.")
    request_cancel(run_path)


def reconcile(run_path: str | Path, *, terminate_after_s: float = 10.0, kill_after_s: float = 20.0) -> Status | None:
    """Take the next step against a job that does not stop, if one is due, and say what the job is doing.

    Parameters
    ----------
    run_path : path
    terminate_after_s, kill_after_s : float
        Patience after the cancel flag, before SIGTERM and SIGKILL to the job's process group.

    Returns
    -------
    Status or None
        As `geovq.runs.process.status.read_status`.
    """
    status = read_status(run_path)
    if status is None or status.state is not State.CANCELLING:
        return status
    process = find_process(status.pid, status.pid_started)
    age_s = cancel_age_s(run_path)
    if process is not None and age_s is not None:
        if age_s >= kill_after_s:
            _signal(process, force=True)
        elif age_s >= terminate_after_s and _first_to_terminate(Path(run_path)):
            _signal(process, force=False)
    return read_status(run_path)


def _first_to_terminate(run_path: Path) -> bool:
    """True for one caller only: a second SIGTERM would interrupt what the first one made the job do."""
    try:
        (run_path / TERMINATED_FLAG).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _signal(process: psutil.Process, *, force: bool) -> None:
    try:
        if sys.platform != "win32" and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
            return
        # Started by hand, it shares its group with the shell: signal the job and its children only.
        for member in [*process.children(recursive=True), process]:
            member.kill() if force else member.terminate()
    except (ProcessLookupError, psutil.NoSuchProcess):
        return  # it has just ended, which is what was asked for
    except (PermissionError, psutil.AccessDenied) as error:
        raise JobError(
            f"Process {process.pid} belongs to another user and cannot be stopped; ask its owner."
        ) from error
