"""The sidebar: which run is looked at, on what device this is, and what it is busy with."""

import streamlit as st

from geovq.app.caching import device_name
from geovq.app.live import active_jobs
from geovq.app.selection import chosen, run_selector
from geovq.app.states import as_text, guarded
from geovq.app.wording import STATE_BADGES, progress_fraction, progress_sentence

_POLL_S = 2.0


def sidebar() -> None:
    """Draw it; the queue looks after itself while there is one."""
    run_selector()
    summary = chosen()
    if summary is not None:
        with st.container(horizontal=True, gap="xsmall"):
            if summary.shipped:
                st.badge("shipped", icon=":material/inventory_2:", color="gray", help="Came with geovq; read-only.")
            if summary.state is not None:
                label, icon, colour = STATE_BADGES[summary.state]
                st.badge(label, icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]
    st.divider()
    st.caption(f":material/memory: {as_text(device_name())}", help="Where a run with device `auto` computes.")
    busy = bool(active_jobs())
    st.fragment(_queue, run_every=_POLL_S if busy else None)(busy)


@guarded
def _queue(was_busy: bool) -> None:
    jobs = active_jobs()
    if was_busy and not jobs:
        st.rerun()
    if not jobs:
        st.caption(":material/check: Nothing is running")
        return
    first, *waiting = jobs
    st.progress(progress_fraction(first.status), text=f"{as_text(first.run_id)}: {first.status.state.value}")
    st.caption(as_text(progress_sentence(first.status)))
    if waiting:
        st.caption(f":material/hourglass_empty: {len(waiting)} more in the queue")
