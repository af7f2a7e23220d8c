"""The device picker: what a run would compute on."""

import streamlit as st

from geovq.app.shared.devices import AUTO, device_words, devices
from geovq.app.shared.markdown import as_text
from geovq.app.train.widgets import setting_field
from geovq.config import ExperimentConfig
from geovq.jobs.devices import device_of


def device_picker(wanted: str, key: str) -> str:
    """Choose where to compute; a device that the settings name and this machine lacks stays in view, with a warning."""
    found = devices()
    options = [AUTO, *(device.name for device in found)]
    if wanted not in options:
        options.append(wanted)
    chosen: str = st.selectbox(
        "Device",
        options,
        index=options.index(wanted),
        format_func=lambda name: device_words(name, found),
        key=key,
        help=f"{setting_field(ExperimentConfig, 'device').description} One run at a time computes; others wait.",
        persist_state="session",
    )
    if device_of(chosen, found) is None:
        st.warning(
            f"This machine has no {as_text(chosen)}: the run would fail. Choose auto or another device.",
            icon=":material/memory_alt:",
        )
    return chosen
