"""The frame around every page: title, navigation, and the guard of a cold deep link."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.navigation.page import Page

from geovq.app.collecting import set_imports_aside

_FRAME = "inside_frame"


# Four tiles. A picture of our own: Streamlit would fetch the drawing of a named icon from another server.
_TILES = np.array([[[47, 129, 214], [217, 102, 31]], [[31, 147, 115], [148, 103, 201]]], dtype=np.uint8)
_ICON = Image.fromarray(_TILES.repeat(16, axis=0).repeat(16, axis=1))


class _Entry(NamedTuple):
    file: str
    title: str
    icon: str


_SECTIONS = {
    "Begin": [
        _Entry("home", "Home", "home"),
        _Entry("train", "Train", "model_training"),
        _Entry("lessons", "Lessons", "school"),
    ],
    "Look inside": [
        _Entry("lattice", "Lattice", "grid_on"),
        _Entry("geometry", "Geometry", "conversion_path"),
        _Entry("neighbourhoods", "Neighbourhoods", "hub"),
        _Entry("codebook", "Codebook", "apps"),
        _Entry("tokens", "Tokens", "bar_chart"),
        _Entry("prior", "Prior", "casino"),
    ],
    "Judge": [_Entry("compare", "Compare", "balance")],
}


def configure_page() -> None:
    """Title and width; once per run of the script, before anything is drawn."""
    st.set_page_config(page_title="geovq", page_icon=_ICON, layout="wide")


def navigation() -> Page:
    """Build the menu and say which page was asked for."""
    pages = {section: [_page(entry) for entry in entries] for section, entries in _SECTIONS.items()}
    return st.navigation(pages, expanded=True)


@contextmanager
def inside_frame() -> Iterator[None]:
    """What app.py runs its page in, so that the page can tell."""
    st.session_state[_FRAME] = True
    try:
        yield
    finally:
        st.session_state.pop(_FRAME, None)
    set_imports_aside()


def require_frame() -> None:
    """First line of every page.

    When the first request after a server start is a deep link, Streamlit runs the page's file alone, without app.py.
    Building the navigation once ends that mode, and a second run of the script comes through the frame.
    """
    if _FRAME not in st.session_state:
        configure_page()
        navigation()
        st.rerun()


def page_file(name: str) -> str:
    """Path of a page, as links want it."""
    return f"pages/{name}.py"


def _page(entry: _Entry) -> Page:
    return st.Page(
        page_file(entry.file), title=entry.title, icon=f":material/{entry.icon}:", default=entry.file == "home"
    )
