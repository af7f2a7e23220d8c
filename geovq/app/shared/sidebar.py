"""The sidebar: which run is looked at, on what device this is, and what it is busy with."""

import streamlit as st

from geovq.app.shared.devices import device_name
from geovq.app.shared.jobs import follow_queue, job_progress
from geovq.app.shared.markdown import as_text
from geovq.app.shared.selection import chosen, run_selector
from geovq.app.shared.wording import STATE_BADGES
from geovq.jobs import QueuedJob


def sidebar() -> None:
    """Draw the run selector, the device, and the queue, which polls while jobs are active."""
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
    follow_queue(_queue)


def _queue(active: list[QueuedJob]) -> None:
    if not active:
        st.caption(":material/check: Nothing is running")
        return
    first, *waiting = active
    job_progress(first)
    if waiting:
        st.caption(f":material/hourglass_empty: {len(waiting)} more in the queue")
