"""The sections of the page Codebook in their order."""

import streamlit as st

from geovq.app.codebook.controls import code_picker, context_picker
from geovq.app.codebook.data import stands_on_graph
from geovq.app.codebook.graph import code_graph
from geovq.app.codebook.iterations import iterations
from geovq.app.codebook.patches import inspector, mosaics
from geovq.app.codebook.plane import plane
from geovq.app.codebook.silhouette import silhouettes
from geovq.app.codebook.sizes import sizes
from geovq.app.shared import fetching
from geovq.app.shared.states import guarded
from geovq.runs import Run


@st.fragment
@guarded
def one_code(run: Run, names: list[str], drawn_for: str) -> None:
    """All that belongs to one code; `drawn_for` is the tokenizer that the rest of the page was drawn for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        image = context_picker(len(fetching.held_out_of(run)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice = code_picker(run, names, image)
    if drawn_for != choice.tokenizer:
        st.rerun()
    mosaics(run, choice)
    inspector(run, choice)
    sizes(run, choice)
    if plane(run, choice):
        code_graph(run, choice)


@guarded
def search(run: Run, name: str) -> None:
    """How the codes of a tokenizer were found."""
    if stands_on_graph(run, name):
        iterations(run, name)
        silhouettes(run, name)
