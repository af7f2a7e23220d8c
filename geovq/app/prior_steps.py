"""One image drawn cell by cell: what was likely at each step, what was taken, and what is there so far."""

import streamlit as st

from geovq.app import prior_data
from geovq.app.charts import show
from geovq.app.prior_controls import drawing_words
from geovq.app.prior_data import Drawing
from geovq.app.selection import of_total, provenance
from geovq.app.states import guarded
from geovq.app.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import map_colouring
from geovq.viz.distribution import choice_figure, likeliest, next_token_figure
from geovq.viz.drawing import drawing_figure

_STEP, _PLAYING = "prior_step", "prior_playing"  # keys of the session; the first is in the link
_FIRST_SHOWN = 25  # half of the image
_N_CANDIDATES = 12
_FRAME_S = 1.0


def steps_view(run: Run, drawing: Drawing) -> None:
    """The stepper; it plays by itself while it is told to."""
    st.fragment(_stepper, run_every=_FRAME_S if st.session_state.get(_PLAYING) else None)(run, drawing)


@guarded
def _stepper(run: Run, drawing: Drawing) -> None:
    trajectory = prior_data.trajectory(run, drawing)
    n_steps = len(trajectory.tokens)
    if st.session_state.get(_PLAYING):
        _advance(n_steps)
    step = _controls(n_steps)
    position, taken = step - 1, int(trajectory.tokens[step - 1])
    probabilities = trajectory.probabilities[position]
    height, width = run.priors[drawing.tokenizer].height, run.priors[drawing.tokenizer].width
    show(
        drawing_figure(
            trajectory.images[step],
            trajectory.tokens.reshape(height, width),
            step,
            map_colouring(run.tokenizers[drawing.tokenizer].codebook.numpy()).tolist(),
        ),
        "prior_drawing",
        alt=f"The picture and its tokens after {step} of {n_steps} cells; the cells to come are hatched",
        title=f"Step {step} of {n_steps}: row {position // width}, column {position % width}",
        help="Cells to come are hatched; the picture has the mean of real lattices there. The new cell is framed.",
        caption=provenance(run, drawing_words(run, drawing)),
    )
    codes = likeliest(probabilities, taken, _N_CANDIDATES)
    before = tuple(trajectory.tokens[:position].tolist())
    patches = prior_data.candidate_patches(run, drawing, before, position, tuple(codes.tolist()))
    show(
        next_token_figure(codes, probabilities, patches, taken),
        "prior_next",
        alt=f"Probability of the {len(codes)} likeliest codes for this cell, and what each would paint",
        title=f"Code {taken} was drawn, at {probabilities[taken]:.0%}; "
        f"the choice was worth {trajectory.entropy_bits[position]:.2f} bits",
        help="Below each bar: the pixels that this code would paint here, after the cells drawn before. The bits are "
        "the entropy of the distribution, after temperature and top-p: 0 if there is no choice at all.",
        caption=of_total(len(codes), len(probabilities), "codes, likeliest first"),
        data={"code": range(len(probabilities)), "probability": probabilities},
    )
    show(
        choice_figure(trajectory.entropy_bits, position, width),
        "prior_choice",
        alt=f"Entropy of each of the {n_steps} steps in bits",
        title="Where there was something to choose",
        help=GLOSSARY["entropy"],
        data={"step": range(1, n_steps + 1), "code": trajectory.tokens, "entropy_bits": trajectory.entropy_bits},
    )


def _controls(n_steps: int) -> int:
    playing = bool(st.session_state.get(_PLAYING))
    _go(int(st.session_state.get(_STEP, _FIRST_SHOWN)), n_steps)  # no default: the buttons set it too
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = st.slider(
            "Cells drawn",
            1,
            n_steps,
            key=_STEP,
            bind="query-params",
            persist_state="session",
            width=300,
        )
        st.button("Back", icon=":material/chevron_left:", on_click=_go, args=(step - 1, n_steps), disabled=step == 1)
        st.button(
            "Step", icon=":material/chevron_right:", on_click=_go, args=(step + 1, n_steps), disabled=step == n_steps
        )
        label, icon = ("Pause", "pause") if playing else ("Play", "play_arrow")
        # The timer belongs to the fragment, so it starts and ends with a run of the whole page. The key keeps the
        # button the same one when its label changes; without it, the click would be lost.
        if st.button(label, icon=f":material/{icon}:", key="prior_play", on_click=_toggle, args=(step, n_steps)):
            st.rerun()
    return step


def _go(step: int, n_steps: int) -> None:
    st.session_state[_STEP] = min(max(step, 1), n_steps)


def _toggle(step: int, n_steps: int) -> None:
    playing = not st.session_state.get(_PLAYING)
    st.session_state[_PLAYING] = playing
    if playing and step == n_steps:
        st.session_state[_STEP] = 1


def _advance(n_steps: int) -> None:
    step = int(st.session_state.get(_STEP, _FIRST_SHOWN))
    if step >= n_steps:
        st.session_state[_PLAYING] = False
        st.rerun()
    st.session_state[_STEP] = step + 1
