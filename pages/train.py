from pathlib import Path

import streamlit as st

from geovq.app.frame import require_frame
from geovq.app.live import active_jobs, is_resumable, live_panel
from geovq.app.run_list import resume_button, run_list
from geovq.app.selection import choose
from geovq.app.states import as_text
from geovq.app.train_form import LAUNCHED, train_form

require_frame()
st.title("Train")
st.markdown(
    "Trains an autoencoder, builds tokenizers from its geometry, trains priors on their tokens and measures everything "
    "on held-out images. The work is done by a process of its own: leave the page, or close it."
)

active = active_jobs()
if active:  # also after a reload, or in another tab: whoever watches a job sees how it ends
    st.session_state[LAUNCHED] = str(active[0].run_path)
launched = st.session_state.get(LAUNCHED)
watched = active[0].run_path if active else Path(launched) if launched else None
if watched is not None and watched.exists():
    st.subheader("At work" if active else "Last run")
    live_panel(watched)
    run_id = f"{watched.parent.name}/{watched.name}"
    if not active:
        with st.container(horizontal=True):
            unfinished = is_resumable(watched)
            if unfinished:
                resume_button(watched, key="resume_watched", primary=True)
            if st.button(
                f"Look at {as_text(run_id)}",
                type="secondary" if unfinished else "primary",
                icon=":material/visibility:",
                on_click=choose,
                args=(run_id,),
            ):
                st.switch_page("pages/compare.py")
for place, job in enumerate(active[1:], start=1):
    st.caption(f":material/hourglass_empty: {place}. in the queue: {as_text(job.run_id)}")

st.subheader("A new run")
train_form()

st.subheader("Runs on this machine")
run_list()
