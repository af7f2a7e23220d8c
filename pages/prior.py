import streamlit as st

from geovq.app.prior.completion import completion_view
from geovq.app.prior.controls import drawing_controls, view_picker
from geovq.app.prior.samples import samples_view
from geovq.app.prior.steps import steps_view
from geovq.app.prior.surprise import surprise_view
from geovq.app.shared.frame import require_frame
from geovq.app.shared.links import page_file
from geovq.app.shared.pickers import tokenizers_of
from geovq.app.shared.selection import selected_run
from geovq.app.shared.states import empty_state
from geovq.app.shared.wording import GLOSSARY

VIEWS = {
    "Samples": samples_view,
    "Cell by cell": steps_view,
    "Surprise": surprise_view,
    "Half an image": completion_view,
}

require_frame()
run = selected_run()
names = [name for name in tokenizers_of(run) if name in run.priors]
if not names:
    empty_state(
        "This run has no prior yet",
        f"{GLOSSARY['prior']} It is trained last, and only for the tokenizers named under `priors` in the settings.",
        link="train",
        label="Watch, resume or start a run",
    )
    st.stop()

view = view_picker(list(VIEWS))
VIEWS[view](run, drawing_controls(run, names, draws=view != "Surprise"))
st.page_link(page_file("compare"), label="Compare two tokenizers", icon=":material/balance:")
