"""Devices of this machine: what they are, how much memory is free on them now, and which of them `auto` means."""

import os

import streamlit as st
import torch

from geovq.jobs.devices import Device, cpu_count, device_of, list_devices

AUTO = "auto"
_GIB = 2**30
_FRESH_S = 10.0  # how long free memory is believed


@st.cache_data(ttl=_FRESH_S, show_spinner=False)
def devices() -> list[Device]:
    """Devices of this machine."""
    return list_devices()


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


@st.cache_resource(show_spinner=False)
def device_name() -> str:
    """The device that `auto` means on this machine."""
    if torch.cuda.is_available():
        return f"GPU: {torch.cuda.get_device_name()}"
    return f"CPU, {os.cpu_count()} cores"
