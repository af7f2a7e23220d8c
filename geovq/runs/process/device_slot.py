"""One device, one job at a time, the oldest first.

The slot is an OS lock on `<outputs>/.device.lock`: the system frees it when its holder dies, however that happens. The
lock knows no order, so each job that wants it leaves a ticket in `<outputs>/.queue/` and tries the lock only while no
older ticket of a living process is there. Order is a courtesy of the tickets, exclusion a guarantee of the lock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from geovq.artifacts import write_json
from geovq.errors import Cancelled, JobError
from geovq.runs.process.pids import find_process, this_process
from geovq.runs.process.status import cancel_requested, stored_status

QUEUE_FOLDER = ".queue"
DEVICE_LOCK = ".device.lock"


@dataclass(frozen=True)
class Ticket:
    """One job that has or wants the device."""

    run_path: str
    pid: int
    pid_started: float
    queued_at: float  # seconds since 1970
    holding: bool = False

    @property
    def file_name(self) -> str:
        """Sorts by age."""
        return f"{round(self.queued_at * 1e6):020d}-{self.pid}.json"


_SCHEMA = TypeAdapter(Ticket)


@contextmanager
def device_slot(
    outputs_root: str | Path,
    run_path: str | Path,
    *,
    on_wait: Callable[[int, str | None], None] | None = None,
    poll_s: float = 0.5,
) -> Iterator[None]:
    """Hold the device while the block runs.

    Parameters
    ----------
    outputs_root : path
        Jobs below one root share one device.
    run_path : path
        The run that the job works on; its `cancel` flag ends the wait.
    on_wait : callable, optional
        Called at every look while the device is taken, with the place in the queue (1: next) and the holder's run
        ("dataset/name"), or None if that is unknown.
    poll_s : float
        Seconds between two looks.

    Raises
    ------
    Cancelled
        If the job was cancelled while it waited.
    ArtifactError, JobError
        If the root cannot be written to, or the lock cannot be taken there.
    """
    root, run_path = Path(outputs_root).resolve(), Path(run_path).resolve()
    lock = FileLock(root / DEVICE_LOCK)
    ticket = _new_ticket(run_path)
    file = root / QUEUE_FOLDER / ticket.file_name
    try:
        write_json(file, asdict(ticket))
        _stop_if_cancelled(run_path)
        while not _take_turn(lock, root, ticket, on_wait):
            time.sleep(poll_s)
            _stop_if_cancelled(run_path)
        write_json(file, asdict(replace(ticket, holding=True)))
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def live_tickets(outputs_root: str | Path) -> list[Ticket]:
    """Tickets of living processes: the holder of the device, then the others from the oldest. Dead ones are removed."""
    tickets = []
    for file in sorted((Path(outputs_root) / QUEUE_FOLDER).glob("*.json")):
        ticket = _read_ticket(file)
        if ticket and find_process(ticket.pid, ticket.pid_started):
            tickets.append(ticket)
        else:
            file.unlink(missing_ok=True)
    return sorted(tickets, key=lambda ticket: not ticket.holding)  # stable: age decides among those who wait


def _take_turn(lock: FileLock, root: Path, mine: Ticket, on_wait: Callable[[int, str | None], None] | None) -> bool:
    others = [ticket for ticket in live_tickets(root) if ticket.file_name != mine.file_name]
    older = [ticket for ticket in others if ticket.holding or ticket.file_name < mine.file_name]
    if not older and _acquired(lock):
        return True
    if on_wait is not None:
        holder = next((_run_id(Path(ticket.run_path)) for ticket in others if ticket.holding), None)
        on_wait(max(len(older), 1), holder)
    return False


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError as error:
        raise JobError(
            f"{lock.lock_file} cannot be locked ({error}); make the outputs folder writable or choose another."
        ) from error
    return True


def _stop_if_cancelled(run_path: Path) -> None:
    if cancel_requested(run_path):
        raise Cancelled(f"{_run_id(run_path)} was cancelled before it got the device.")


def _new_ticket(run_path: Path) -> Ticket:
    pid, started = this_process()
    status = stored_status(run_path)
    # Jobs queue in the order in which they were asked for; a process begins later, when its libraries are loaded.
    queued_at = status.queued_at if status and status.pid == pid and status.queued_at else time.time()
    return Ticket(str(run_path), pid, started, queued_at)


def _read_ticket(file: Path) -> Ticket | None:
    try:
        return _SCHEMA.validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None  # removed a moment ago, or not written by a job


def _run_id(run_path: Path) -> str:
    return f"{run_path.parent.name}/{run_path.name}"
