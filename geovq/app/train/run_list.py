"""The runs of this machine with what can be done to each: open, look back, begin another from it, resume, delete."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from geovq import jobs
from geovq.app.shared.links import link_id, page_file
from geovq.app.shared.markdown import as_text
from geovq.app.shared.selection import choose, known_runs
from geovq.app.shared.states import error_box
from geovq.app.shared.wording import STATE_BADGES
from geovq.app.train.form import load_settings
from geovq.app.train.review import LAUNCHED
from geovq.classroom import is_classroom
from geovq.errors import GeovqError
from geovq.runs import RunSummary, outputs_root

CURVES = "train_curves_of"  # session key: folder of the run whose curves were asked for
_FAILURE, _ASKED, _ALL = "run_list_failure", "run_to_delete", "run_list_all"  # keys of the session
_N_SHOWN = 20


def run_list() -> None:
    """One line per run, own ones first."""
    if failure := st.session_state.get(_FAILURE):
        error_box(failure)
    runs = list(known_runs().values())
    if all(summary.shipped for summary in runs) and not is_classroom():
        st.caption("None of your own yet. Runs that you start appear here, above those that came with geovq.")
    if len(runs) > _N_SHOWN and not st.toggle(f"Show all {len(runs)}", key=_ALL):
        runs = runs[:_N_SHOWN]
    for summary in runs:
        _line(summary)
        if st.session_state.get(_ASKED) == link_id(summary):
            _confirm_delete(summary)


def resume_button(run_path: Path, *, key: str, primary: bool = False, label: str = "Resume") -> None:
    """Goes on with a run that was cancelled, failed or lost, or of which a part was made."""
    st.button(
        label,
        key=key,
        type="primary" if primary else "secondary",
        icon=":material/replay:",
        on_click=_resume,
        args=(run_path,),
        help="Makes what is missing of the run; what is finished stays.",
    )


def _line(summary: RunSummary) -> None:
    name = link_id(summary)
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"run_{name.replace('/', '_')}"):
        with st.container(width=230, gap=None):
            st.markdown(f"**{as_text(name)}**")
            if summary.unfinished:
                n_missing = len(summary.unfinished)
                st.caption(f"{n_missing} {'stage is' if n_missing == 1 else 'stages are'} missing")
        _badge(summary)
        if st.button("Open", key=f"open_{name}", icon=":material/visibility:", on_click=choose, args=(name,)):
            st.switch_page(page_file("compare"))
        st.button("Curves", key=f"curves_{name}", icon=":material/show_chart:", on_click=_look_back, args=(summary,))
        if is_classroom():
            return
        _begin_from(summary)
        if not summary.shipped:
            _change(summary)


def _badge(summary: RunSummary) -> None:
    if summary.problem:
        st.badge("damaged", icon=":material/error:", color="red", help=as_text(summary.problem))
    elif summary.shipped:
        st.badge("shipped", icon=":material/inventory_2:", color="gray", help="Came with geovq; read-only.")
    elif summary.state is not None:
        label, icon, colour = STATE_BADGES[summary.state]
        st.badge(label, icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]


def _begin_from(summary: RunSummary) -> None:
    name = link_id(summary)
    st.button(
        "Duplicate",
        key=f"duplicate_{name}",
        icon=":material/content_copy:",
        on_click=_load,
        args=(name, False),
        help="Loads its settings into the form above, to be changed and started under another name.",
    )
    if not summary.problem and "vae" not in summary.unfinished:
        st.button(
            "New tokenizers",
            key=f"keep_{name}",
            icon=":material/apps:",
            on_click=_load,
            args=(name, True),
            help="Other tokenizers, codebooks or priors on the VAE that it has trained, as a new run: the form above.",
        )


def _change(summary: RunSummary) -> None:
    """Resume and delete: what only own runs allow."""
    name, state = link_id(summary), summary.state
    busy = state is not None and state.active
    if state is not None and state.resumable:
        resume_button(summary.path, key=f"resume_{name}")
    elif summary.unfinished and not busy:
        resume_button(summary.path, key=f"resume_{name}", label="Make the rest")
    st.button(
        "Delete",
        key=f"delete_{name}",
        icon=":material/delete:",
        disabled=busy,
        type="tertiary",
        on_click=_ask_about,
        args=(name,),
    )


def _look_back(summary: RunSummary) -> None:
    st.session_state[CURVES] = str(summary.path)


def _load(name: str, keep_vae: bool) -> None:
    st.session_state.pop(_FAILURE, None)
    load_settings(name, keep_vae=keep_vae)


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
    for key in (LAUNCHED, CURVES):
        if st.session_state.get(key) == str(summary.path):
            st.session_state.pop(key)  # who deletes it need not be told that it is gone


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
