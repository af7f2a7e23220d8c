"""A job while it works: state, progress, curves, log. Only reads: the job is a process that needs nobody to watch."""

from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.charts import show
from geovq.app.states import as_text, guarded
from geovq.app.wording import STATE_BADGES, progress_fraction, progress_sentence, stage_title
from geovq.jobs import QueuedJob
from geovq.runs import open_run, outputs_root
from geovq.runs.status import State, Status
from geovq.viz import loss_figure, throughput_figure

_POLL_S = 1.0
_LOG_LINES = 30


def active_jobs() -> list[QueuedJob]:
    """Jobs at work or waiting, the one at work first; takes the step that is due against one that does not stop."""
    found = jobs.queue(outputs_root())
    for job in found:
        if job.status.state is State.CANCELLING:
            jobs.reconcile(job.run_path)
    return found


def is_resumable(run_path: Path) -> bool:
    """Whether the last job of a run ended before its work did."""
    status = jobs.reconcile(run_path)
    return status is not None and status.state.resumable


def live_panel(run_path: Path) -> None:
    """Follow one job; polls while it is active, and runs the page once more when its state changes."""
    status = jobs.reconcile(run_path)
    if status is None:
        return
    st.fragment(_panel, run_every=_POLL_S if status.state.active else None)(run_path, status.state)


@guarded
def _panel(run_path: Path, drawn: State) -> None:
    """`drawn` is the state that the rest of the page was drawn for."""
    status = jobs.reconcile(run_path)
    if status is None or status.state is not drawn:
        st.rerun()
    with st.container(border=True, key="live_panel"):
        _headline(run_path, status)
        _curves(run_path)
        with st.expander("Log", icon=":material/terminal:"):
            st.code(jobs.tail_log(run_path, _LOG_LINES) or "Nothing was printed yet.", language=None, height=260)


def _headline(run_path: Path, status: Status) -> None:
    label, icon, colour = STATE_BADGES[status.state]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"#### {as_text(f'{run_path.parent.name}/{run_path.name}')}")
        st.badge(label, icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]
        if status.state in (State.QUEUED, State.RUNNING):
            st.button(
                "Cancel",
                key=f"cancel_{run_path.parent.name}_{run_path.name}",
                icon=":material/stop:",
                on_click=jobs.cancel,
                args=(run_path,),
                help="Stops at the next step with its work saved; it can be resumed.",
            )
    st.progress(progress_fraction(status), text=as_text(progress_sentence(status)))
    if status.state in (State.FAILED, State.LOST):
        st.error(as_text(f"{status.message} {status.remedy}"), icon=":material/error:")
    elif status.message:
        st.caption(as_text(status.message))


def _curves(run_path: Path) -> None:
    rows = open_run(run_path).metrics()
    stages = list(dict.fromkeys(str(row["stage"]) for row in rows if row.get("split") == "train"))
    if not stages:
        st.caption("Curves appear with the first steps of training.")
        return
    stage = stages[-1]
    if len(stages) > 1:
        stage = st.segmented_control(
            "Training of", stages, default=stage, required=True, key=f"stage_{len(stages)}", format_func=stage_title
        )
    shown = [row for row in rows if row.get("stage") == stage]
    row = st.container(horizontal=True)
    with row.container(width=620):
        show(loss_figure(shown), f"live_loss_{stage}", f"Training and validation loss of {stage_title(stage)} by step")
    with row.container(width=240):
        show(throughput_figure(shown), f"live_rate_{stage}", "Training examples per second over time")
