"""One held-out image: its tokens under two tokenizers, and what happens when they are changed."""

import streamlit as st

from geovq.app.shared.pickers import image_picker
from geovq.app.shared.states import guarded
from geovq.app.tokens.difference import difference
from geovq.app.tokens.editor import editor
from geovq.runs import Run


@st.fragment
@guarded
def one_image(run: Run, names: list[str]) -> None:
    """All that belongs to one image."""
    st.subheader("Why do tokens differ?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, class_name = image_picker(run, "tokens")
    if len(names) == 2:
        difference(run, names, index, class_name)
    else:
        st.caption("Choose a second tokenizer above to lay the tokens of two side by side.")
    editor(run, names, index, class_name)
