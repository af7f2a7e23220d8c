"""One detached process per job; the run directory is the truth about it."""

from geovq.jobs.control import cancel, reconcile
from geovq.jobs.folders import delete_run, resolve_run, tail_log
from geovq.jobs.launching import Job, launch, resume
from geovq.jobs.living_jobs import QueuedJob, queue

__all__ = [
    "Job",
    "QueuedJob",
    "cancel",
    "delete_run",
    "launch",
    "queue",
    "reconcile",
    "resolve_run",
    "resume",
    "tail_log",
]
