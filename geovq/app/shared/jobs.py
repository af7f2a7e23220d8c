"""Jobs while they work: the queue, and state, progress, curves and log of one.

Only reads: a job is a process that needs nobody to watch.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.shared.states import as_text, guarded
from geovq.app.shared.wording import STATE_BADGES, progress_fraction, progress_sentence
from geovq.app.train.curves import curves
from geovq.errors import JobError
from geovq.jobs import QueuedJob
from geovq.runs import outputs_root
from geovq.runs.process.status import State, Status

_POLL_S, _QUEUE_POLL_S = 1.0, 2.0
_LOG_LINES = 30


def active_jobs() -> list[QueuedJob]:
    """Jobs at work or waiting, the one at work first; takes the step that is due against one that does not stop."""
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


def is_resumable(run_path: Path) -> bool:
    """Whether the last job of a run ended before its work did."""
    status = jobs.reconcile(run_path)
    return status is not None and status.state.resumable


def run_id_of(run_path: Path) -> str:
    """ "dataset/name" of a run's folder; of a shipped one its name."""
    return f"{run_path.parent.name}/{run_path.name}"


def live_panel(run_path: Path, key: str = "live") -> None:
    """Follow one run; polls while a job works on it, and runs the page once more when its state changes."""
    status = jobs.reconcile(run_path)
    state = status.state if status else None
    st.fragment(_panel, run_every=_POLL_S if state is not None and state.active else None)(run_path, state, key)


@guarded
def _panel(run_path: Path, drawn: State | None, key: str) -> None:
    """`drawn` is the state that the rest of the page was drawn for."""
    status = jobs.reconcile(run_path)
    if not run_path.exists() or (status.state if status else None) is not drawn:
        st.rerun()  # the page says what has become of it
    with st.container(border=True, key=f"{key}_panel"):
        _headline(run_path, status)
        at_work = status is not None and status.state.active
        curves(run_path, key, f"run {run_id_of(run_path)}", at_work=at_work)
        with st.expander("Log", icon=":material/terminal:"):
            st.code(jobs.tail_log(run_path, _LOG_LINES) or "Nothing was printed yet.", language=None, height=260)


def _cancel(run_path: Path) -> None:
    with contextlib.suppress(JobError):  # it has just ended by itself, which its state says
        jobs.cancel(run_path)


def _headline(run_path: Path, status: Status | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"#### {as_text(run_id_of(run_path))}")
        if status is None:  # it was never a job here
            return
        label, icon, colour = STATE_BADGES[status.state]
        st.badge(label, icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]
        if status.state in (State.QUEUED, State.RUNNING):
            st.button(
                "Cancel",
                key=f"cancel_{run_path.parent.name}_{run_path.name}",
                icon=":material/stop:",
                on_click=_cancel,
                args=(run_path,),
                help="Stops at the next step with its work saved; it can be resumed.",
            )
    st.progress(progress_fraction(status), text=as_text(progress_sentence(status)))
    if status.state in (State.FAILED, State.LOST):
        st.error(as_text(f"{status.message} {status.remedy}"), icon=":material/error:")
    elif status.message:
        st.caption(as_text(status.message))
