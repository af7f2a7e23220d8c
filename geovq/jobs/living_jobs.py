"""Which jobs are at work or waiting below an outputs root."""

from dataclasses import dataclass
from pathlib import Path

from geovq.errors import ArtifactError
from geovq.runs.process.status import STATUS_FILE, Status, read_status


@dataclass(frozen=True)
class QueuedJob:
    """One living job.

    Attributes
    ----------
    run_id : str
        "dataset/name".
    run_path : Path
    position : int
        0 at work, 1 next.
    status : Status
    """

    run_id: str
    run_path: Path
    position: int
    status: Status


def queue(outputs_root: str | Path) -> list[QueuedJob]:
    """Living jobs: the one at work first, then the others from the oldest."""
    found = []
    for file in Path(outputs_root).glob(f"*/*/{STATUS_FILE}"):
        try:
            status = read_status(file.parent)
        except ArtifactError:
            continue  # damaged, as the list of runs says; the other jobs are still listed
        if status is not None and status.state.active:
            found.append((file.parent, status))
    found.sort(key=lambda job: job[1].queued_at or 0.0)
    at_work = [(path, status) for path, status in found if status.started_at is not None]
    waiting = [(path, status) for path, status in found if status.started_at is None]
    return [_entry(path, 0, status) for path, status in at_work] + [
        _entry(path, position, status) for position, (path, status) in enumerate(waiting, start=1)
    ]


def _entry(path: Path, position: int, status: Status) -> QueuedJob:
    return QueuedJob(f"{path.parent.name}/{path.name}", path, position, status)
