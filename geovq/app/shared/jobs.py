"""Jobs while they work: the queue, and how far the one at work is.

A job is a process of its own, which works whether or not a page shows it.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.shared.markdown import as_text
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import progress_fraction, progress_sentence
from geovq.classroom import is_classroom
from geovq.jobs import QueuedJob
from geovq.runs import outputs_root
from geovq.runs.process.status import State

_QUEUE_POLL_S = 2.0


def active_jobs() -> list[QueuedJob]:
    """Jobs at work or waiting, the one at work first. One that was cancelled and does not stop gets its next signal.

    A classroom sees none: they belong to whoever has started them elsewhere.
    """
    if is_classroom():
        return []
    found = jobs.queue(outputs_root())
    for job in found:
        if job.status.state is State.CANCELLING:
            jobs.reconcile(job.run_path)
    return found


def follow_queue(draw: Callable[[list[QueuedJob]], None]) -> None:
    """Draw the active jobs; polls while there are any, and runs the page once more when the last has ended."""
    busy = bool(active_jobs())
    st.fragment(_queue, run_every=_QUEUE_POLL_S if busy else None)(draw, busy)


@guarded
def _queue(draw: Callable[[list[QueuedJob]], None], was_busy: bool) -> None:
    found = active_jobs()
    if was_busy and not found:
        st.rerun()  # a run has ended: its numbers belong into the page
    draw(found)


def job_progress(job: QueuedJob) -> None:
    """How far a job is, as a bar and as a sentence."""
    st.progress(progress_fraction(job.status), text=f"{as_text(job.run_id)}: {job.status.state.value}")
    st.caption(as_text(progress_sentence(job.status)))


def run_id_of(run_path: Path) -> str:
    """The last two folders of a run's path: "dataset/name" of an own run, "checkpoints/name" of a shipped one."""
    return f"{run_path.parent.name}/{run_path.name}"
