"""What the page Train follows: the job at work, the run that was started last, and one whose curves are asked for."""

from pathlib import Path

import streamlit as st

from geovq.app.shared.jobs import active_jobs, run_id_of
from geovq.app.shared.links import page_file
from geovq.app.shared.markdown import as_text
from geovq.app.shared.selection import choose
from geovq.app.train.panel import is_resumable, live_panel
from geovq.app.train.review import LAUNCHED
from geovq.app.train.run_list import CURVES, resume_button


def watching() -> None:
    """Draw the jobs, and the curves of an earlier run."""
    active = active_jobs()
    if active:  # also after a reload, or in another tab: whoever watches a job sees how it ends
        st.session_state[LAUNCHED] = str(active[0].run_path)
    watched = _still_there(LAUNCHED)
    if watched is not None:
        st.subheader("At work" if active else "Last run")
        live_panel(watched)
        if not active:
            _what_next(watched)
    for place, job in enumerate(active[1:], start=1):
        st.caption(f":material/hourglass_empty: {place}. in the queue: {as_text(job.run_id)}")
    asked = _still_there(CURVES)
    if asked is not None and asked != watched:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Curves of an earlier run")
            st.button("Close", icon=":material/close:", key="close_curves", on_click=_forget, args=(CURVES,))
        live_panel(asked, key="earlier")


def _still_there(key: str) -> Path | None:
    """The folder that the session remembers; says so, once, if the run was deleted meanwhile."""
    remembered = st.session_state.get(key)
    if remembered is None:
        return None
    path = Path(remembered)
    if path.exists():
        return path
    _forget(key)
    st.info(
        f"The run {as_text(run_id_of(path))} is not here any more: it was deleted or renamed. Start another one below.",
        icon=":material/delete:",
    )
    return None


def _forget(key: str) -> None:
    st.session_state.pop(key, None)


def _what_next(watched: Path) -> None:
    with st.container(horizontal=True):
        unfinished = is_resumable(watched)
        if unfinished:
            resume_button(watched, key="resume_watched", primary=True)
        run_id = run_id_of(watched)
        if st.button(
            f"Look at {as_text(run_id)}",
            type="secondary" if unfinished else "primary",
            icon=":material/visibility:",
            on_click=choose,
            args=(run_id,),
        ):
            st.switch_page(page_file("compare"))
