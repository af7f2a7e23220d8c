"""The runs of this machine with what can be done to each: open, resume, delete."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.selection import choose, known_runs, link_id
from geovq.app.states import as_text, error_box
from geovq.app.train_form import LAUNCHED
from geovq.app.wording import STATE_BADGES
from geovq.errors import GeovqError
from geovq.runs import RunSummary, outputs_root

_FAILURE, _ASKED = "run_list_failure", "run_to_delete"  # keys of the session


def run_list() -> None:
    """One line per run."""
    if failure := st.session_state.get(_FAILURE):
        error_box(failure)
    own = [summary for summary in known_runs().values() if not summary.shipped]
    if not own:
        st.caption("None yet. Runs that you start appear here; the shipped run is in the selector on the left.")
    for summary in own:
        _line(summary)
        if st.session_state.get(_ASKED) == link_id(summary):
            _confirm_delete(summary)


def resume_button(run_path: Path, *, key: str, primary: bool = False) -> None:
    """Goes on with a run that was cancelled, failed or lost."""
    st.button(
        "Resume",
        key=key,
        type="primary" if primary else "secondary",
        icon=":material/replay:",
        on_click=_resume,
        args=(run_path,),
        help="Goes on from what is finished.",
    )


def _line(summary: RunSummary) -> None:
    name = link_id(summary)
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"run_{name.replace('/', '_')}"):
        st.markdown(f"**{as_text(name)}**", width="stretch")
        if summary.state is not None:
            label, icon, colour = STATE_BADGES[summary.state]
            st.badge(label, icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]
        busy = summary.state is not None and summary.state.active
        if st.button("Open", key=f"open_{name}", icon=":material/visibility:", on_click=choose, args=(name,)):
            st.switch_page("pages/compare.py")
        if summary.state is not None and summary.state.resumable:
            resume_button(summary.path, key=f"resume_{name}")
        st.button(
            "Delete",
            key=f"delete_{name}",
            icon=":material/delete:",
            disabled=busy,
            type="tertiary",
            on_click=_ask_about,
            args=(name,),
        )


def _ask_about(name: str | None = None) -> None:
    """Remember the run that is to be deleted if that is confirmed; none if it was refused."""
    st.session_state[_ASKED] = name


@st.dialog("Delete this run?", icon=":material/delete:", on_dismiss=_ask_about)
def _confirm_delete(summary: RunSummary) -> None:
    st.markdown(f"**{as_text(summary.id)}** with its models, tokenizers and measurements. This cannot be undone.")
    with st.container(horizontal=True):
        deleted = st.button(
            "Delete it", type="primary", key="delete_confirmed", on_click=_delete, args=(summary,), width="content"
        )
        if st.button("Keep it", key="delete_refused", on_click=_ask_about) or deleted:
            st.rerun()  # a dialog is a fragment: what happens in it does not reach the page by itself


def _delete(summary: RunSummary) -> None:
    _ask_about(None)
    _tried(lambda: jobs.delete_run(summary.path, outputs_root()))


def _resume(run_path: Path) -> None:
    def resume() -> None:
        st.session_state[LAUNCHED] = str(jobs.resume(run_path, outputs_root()).run_path)

    _tried(resume)


def _tried(action: Callable[[], None]) -> None:
    """Keep an error until the next action: a callback and a closing dialog have no place to draw in."""
    st.session_state.pop(_FAILURE, None)
    try:
        action()
    except GeovqError as error:
        st.session_state[_FAILURE] = error
