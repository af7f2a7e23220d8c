"""The frame around every page: navigation, headline, and the guard of a cold deep link."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.navigation.page import Page

from geovq.app.shared.garbage_collection import set_imports_aside
from geovq.app.shared.links import page_file, pass_over_unusable
from geovq.classroom import is_classroom

_FRAME = "inside_frame"


# Four tiles. A picture of our own: Streamlit would fetch the drawing of a named icon from another server.
_TILES = np.array([[[47, 129, 214], [217, 102, 31]], [[31, 147, 115], [148, 103, 201]]], dtype=np.uint8)
_ICON = Image.fromarray(_TILES.repeat(16, axis=0).repeat(16, axis=1))


class _Entry(NamedTuple):
    title: str  # in the menu
    icon: str
    lead: str  # what the page shows or asks, below its headline
    headline: str = ""  # by default the title


# By the file of the page.
_SECTIONS = {
    "Begin": {
        "home": _Entry(
            "Home",
            "home",
            "geovq trains an autoencoder on small pictures, measures how its decoder bends latent space, and replaces "
            "latents by a few **codes** chosen with that geometry in mind. Here you see what this changes, and by how "
            "much.",
            "The geometry of a latent space, made visible",
        ),
        "train": _Entry(
            "Train",
            "model_training",
            "Trains an autoencoder, builds tokenizers from its geometry, trains priors on their tokens and measures "
            "everything on held-out images. The work is done by a process of its own: leave the page, or close it.",
        ),
        "lessons": _Entry(
            "Lessons",
            "school",
            "Short lessons, each in three steps: look at a view of a trained run, guess, and see what is so and why.",
        ),
    },
    "Look inside": {
        "lattice": _Entry(
            "Lattice",
            "grid_on",
            "What does the autoencoder make of one picture, and what does a single cell of its lattice do?",
        ),
        "geometry": _Entry(
            "Geometry",
            "conversion_path",
            "How does the latent space bend? Equal steps do not change the picture equally, so straight is not "
            "shortest.",
        ),
        "neighbourhoods": _Entry(
            "Neighbourhoods",
            "hub",
            "Who is near? Euclid and the decoder disagree: one measures latents, the other what changes in the "
            "picture.",
        ),
        "codebook": _Entry(
            "Codebook",
            "apps",
            "What do the codes look like, how much work does each of them do, and where in latent space do they lie?",
        ),
        "tokens": _Entry(
            "Tokens",
            "bar_chart",
            "How often is each code used, where and beside which others, and what does one token do to the picture?",
        ),
        "prior": _Entry(
            "Prior", "casino", "What does a small Transformer that only ever saw tokens know about images?"
        ),
    },
    "Judge": {
        "compare": _Entry(
            "Compare",
            "balance",
            "The same images through two tokenizers: which one loses less, and what does it cost?",
        )
    },
}


def configure_page() -> None:
    """Title and width; once per run of the script, before anything is drawn."""
    st.set_page_config(page_title="geovq", page_icon=_ICON, layout="wide")


def navigation() -> Page:
    """Build the menu, write the headline of the page that was asked for, and say which it is."""
    menu = {name: {_page(*item): item[1] for item in section.items()} for name, section in _SECTIONS.items()}
    page = st.navigation({name: list(section) for name, section in menu.items()}, expanded=True)
    pass_over_unusable(page)
    entry = next(section[page] for section in menu.values() if page in section)
    st.title(entry.headline or entry.title)
    st.markdown(entry.lead)
    if is_classroom():
        st.info(
            "**Classroom.** You see the runs that were chosen for it. Nothing can be trained, changed or deleted here.",
            icon=":material/school:",
        )
    return page


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


def _page(file: str, entry: _Entry) -> Page:
    return st.Page(page_file(file), title=entry.title, icon=f":material/{entry.icon}:", default=file == "home")
