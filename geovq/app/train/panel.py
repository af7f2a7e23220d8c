"""One run followed live: state, progress, curves and log; and whether its work can be gone on with."""

import contextlib
from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.shared.jobs import run_id_of
from geovq.app.shared.markdown import as_text
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import STATE_BADGES, progress_fraction, progress_sentence
from geovq.app.train.training_curves import training_curves
from geovq.errors import JobError
from geovq.runs.process.status import State, Status

_POLL_S = 1.0
_LOG_LINES = 30


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
        training_curves(run_path, key, f"run {run_id_of(run_path)}", at_work=at_work)
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


def is_resumable(run_path: Path) -> bool:
    """Whether the last job of a run ended before its work did."""
    status = jobs.reconcile(run_path)
    return status is not None and status.state.resumable
