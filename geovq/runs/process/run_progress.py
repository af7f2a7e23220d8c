"""Progress of the process that works on a run: written to status.json and metrics.jsonl, shown on the console."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from geovq.errors import ArtifactError, JobError
from geovq.progress import Scalar
from geovq.runs.metrics import append_metrics, drop_torn_line
from geovq.runs.process.console import BarConsole, Console, LineConsole
from geovq.runs.process.pids import find_process, this_process
from geovq.runs.process.status import State, Status, cancel_requested, clear_cancel, stored_status, write_status

_WRITE_EVERY_S = 0.5
_RATE_WINDOW_S = 20.0


class RunProgress:
    """The `Progress` of the one process that works on a run.

    Parameters
    ----------
    run_path : path
        Folder of the run; made if it does not exist.
    terminal : bool
        A bar per phase if true, plain lines if not.
    clock : callable, optional
        Monotonic seconds.

    Raises
    ------
    JobError
        If another living process works on this run.
    ArtifactError
        If the folder cannot be written to; this may also come from every method that writes.
    """

    def __init__(self, run_path: str | Path, *, terminal: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(run_path)
        self._clock = clock
        self._console: Console = BarConsole() if terminal else LineConsole(clock)
        self._rate = _SlidingRate()
        self._last_write = clock()
        self._status = _begin(self._path)
        drop_torn_line(self._path)
        self._write()

    def waiting(self, position: int, holder: str | None) -> None:
        """The device is taken: `position` is the place in the queue (1: next), `holder` the run at work."""
        after = f", after {holder}" if holder else ""
        message = f"Waiting for the device: place {position} in the queue{after}."
        if message != self._status.message:
            self._console.note(message)
            self._write(message=message)

    def begin_stage(self, name: str, index: int, n_stages: int) -> None:
        """Stage `index` (counted from 1) of `n_stages` begins."""
        self._enter(phase="", total=0, unit="", stage=name, stage_index=index, n_stages=n_stages)

    def start(self, phase: str, total: int, unit: str) -> None:
        """A new phase begins: `total` steps of `unit`."""
        status = self._status
        place = f"[{status.stage_index}/{status.n_stages}] " if status.stage else ""
        title = phase if phase == status.stage or not status.stage else f"{status.stage}: {phase}"
        self._console.start(place + title, total, unit)
        self._rate = _SlidingRate()
        self._enter(phase=phase, total=total, unit=unit)

    def advance(self, n: int = 1) -> None:
        """`n` more units are done."""
        step, total = self._status.step + n, self._status.total
        rate = self._rate.update(self._clock(), step)
        eta = max(total - step, 0) / rate if rate else None
        self._status = replace(self._status, step=step, rate_per_s=rate, eta_s=eta)
        self._console.advance(n, rate, eta)
        if step - n < total <= step:  # the phase ends
            self._write()
        else:
            self._write_if_due()

    def record(self, row: Mapping[str, Scalar]) -> None:
        """Append one line to metrics.jsonl; a row that names no stage is one of the stage at work."""
        stage = {"stage": self._status.stage} if self._status.stage else {}
        append_metrics(self._path, {**stage, **row})

    def note(self, message: str) -> None:
        """One sentence for the log and the status."""
        self._console.note(message)
        self._status = replace(self._status, message=message)
        self._write_if_due()

    def stop_requested(self) -> bool:
        """Whether the run's `cancel` flag is set."""
        return cancel_requested(self._path)

    def finish(self, state: State, message: str = "", remedy: str = "") -> None:
        """Write the final status: how the job ended, why, and what can be done about it."""
        try:
            self._console.close()  # first: readers of the final status may then read the log to its end
        finally:  # the reader of our output may have ended
            self._write(state=state, message=message, remedy=remedy, rate_per_s=None, eta_s=None)
            clear_cancel(self._path)  # after the final status: in between, a reader must not see a running job

    def _enter(self, **place: object) -> None:
        self._write(
            state=State.RUNNING,
            step=0,
            rate_per_s=None,
            eta_s=None,
            message="",
            started_at=self._status.started_at or time.time(),
            **place,
        )

    def _write_if_due(self) -> None:
        if self._clock() - self._last_write >= _WRITE_EVERY_S:
            self._write()

    def _write(self, **changes: object) -> None:
        self._status = replace(self._status, updated_at=time.time(), **changes)  # type: ignore[arg-type]
        self._last_write = self._clock()
        write_status(self._path, self._status)


class _SlidingRate:
    """Units per second over the last seconds, from the first step on.

    The time before the first step is left out: it holds warm-up, and the first step of resumed work counts everything
    that was done before.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()  # (seconds, units done)

    def update(self, now: float, done: int) -> float | None:
        """Rate after `done` units, or None if it cannot be told yet."""
        samples = self._samples
        if not samples or now - samples[-1][0] >= _WRITE_EVERY_S:
            samples.append((now, done))
        # One sample older than the window stays, so that steps longer than the window still have a rate.
        while len(samples) > 2 and now - samples[1][0] >= _RATE_WINDOW_S:
            samples.popleft()
        since, before = samples[0]
        return (done - before) / (now - since) if now > since else None


def _begin(run_path: Path) -> Status:
    """First status of this process, which may have been queued by the process that launched it."""
    pid, started = this_process()
    try:
        earlier = stored_status(run_path)
    except ArtifactError:
        earlier = None  # damaged, left by a job that ended; this process writes it anew
    if earlier and earlier.pid == pid and find_process(pid, earlier.pid_started):
        return replace(earlier, state=State.QUEUED)
    if earlier and earlier.state.active and find_process(earlier.pid, earlier.pid_started):
        raise JobError(
            f"{run_path} is being worked on by process {earlier.pid} ({earlier.state}); wait for it or cancel it first."
        )
    clear_cancel(run_path)  # it was meant for an earlier job
    return Status(State.QUEUED, pid=pid, pid_started=started, queued_at=time.time())
