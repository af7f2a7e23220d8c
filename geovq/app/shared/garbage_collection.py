"""Keeps what lives as long as the server out of garbage collection.

Streamlit collects after every run of the script, and so after every click. That walks through all objects of all
imported libraries, and nothing is sent meanwhile: with torch and plotly a quarter of a second.
"""

import gc
import sys

import streamlit as st


def set_imports_aside() -> None:
    """Exclude all objects that exist now from garbage collection; again only after more modules were imported."""
    _set_aside(len(sys.modules))


@st.cache_resource(show_spinner=False)
def _set_aside(n_modules: int) -> int:
    gc.collect()  # what is garbage already would stay for ever
    gc.freeze()
    return gc.get_freeze_count()
