"""The device picker: what a run would compute on, and how much memory is free there now."""

import streamlit as st

from geovq.app.shared.states import as_text
from geovq.app.train.widgets import setting_field
from geovq.config import ExperimentConfig
from geovq.jobs.devices import Device, cpu_count, device_of, list_devices

AUTO = "auto"
_GIB = 2**30
_FRESH_S = 10.0  # how long free memory is believed


@st.cache_data(ttl=_FRESH_S, show_spinner=False)
def devices() -> list[Device]:
    """Devices of this machine."""
    return list_devices()


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


def device_words(name: str, found: list[Device]) -> str:
    """A device in words: "cuda:0: NVIDIA H100, 70 of 80 GB free"."""
    device = device_of(name, found)
    if device is None:
        return f"{name}: not on this machine"
    if name == AUTO:
        return f"auto: {'the first GPU' if device.name != 'cpu' else 'the CPU, since there is no CUDA GPU'}"
    title = f"{cpu_count()} cores" if device.name == "cpu" else device.title
    if device.memory is None:
        return f"{name}: {title}, free memory not known"
    free, total = (f"{size / _GIB:.0f}" for size in device.memory)
    return f"{name}: {title}, {free} of {total} GB free"
