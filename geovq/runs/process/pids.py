"""Processes by their pid and the time when they started: the system gives a pid to another process later."""

import os
import sys

import psutil

# The kernel's boot time is rounded to whole seconds, and the rounding may fall the other way when it is read again.
_TOLERANCE_S = 1.5


def this_process() -> tuple[int, float]:
    """Pid of this process and when it was created, as `process_start` says it."""
    return os.getpid(), _start(psutil.Process())


def process_start(pid: int) -> float | None:
    """When a process was created, to be kept beside its pid.

    Returns
    -------
    float or None
        Seconds since boot on Linux, since 1970 elsewhere; None if there is no such process.
    """
    try:
        return _start(psutil.Process(pid))
    except psutil.Error:
        return None


def find_process(pid: int | None, started: float | None) -> psutil.Process | None:
    """The living process with this pid and `process_start`; None if it has ended, even if its pid is reused."""
    if pid is None or started is None:
        return None
    try:
        process = psutil.Process(pid)
        same = abs(_start(process) - started) < _TOLERANCE_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        # It has ended, or it belongs to another user and is not a job of ours.
        return None


def _start(process: psutil.Process) -> float:
    created = float(process.create_time())
    # On Linux both terms move when the clock is set, as NTP does after a laptop slept; their difference does not.
    return created - float(psutil.boot_time()) if sys.platform == "linux" else created
