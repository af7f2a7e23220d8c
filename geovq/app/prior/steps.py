"""One image drawn cell by cell: what was likely at each step, what was taken, and what is there so far."""

import streamlit as st

from geovq.app.prior import data as prior_data
from geovq.app.prior.controls import drawing_words
from geovq.app.prior.data import Drawing
from geovq.app.shared.charts import show
from geovq.app.shared.links import start_with
from geovq.app.shared.player import Player
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.app.shared.wording import GLOSSARY
from geovq.runs import Run
from geovq.viz import map_colouring
from geovq.viz.distribution import choice_figure, likeliest, next_token_figure
from geovq.viz.drawing import drawing_figure

_CELLS = Player("prior_step", "prior_playing", first=1, frame_s=1.0)
_N_CANDIDATES = 12


def steps_view(run: Run, drawing: Drawing) -> None:
    """Draw the steps; they play by themselves while they are told to."""
    st.fragment(_cell_by_cell, run_every=_CELLS.run_every)(run, drawing)


@guarded
def _cell_by_cell(run: Run, drawing: Drawing) -> None:
    trajectory = prior_data.trajectory(run, drawing)
    n_steps = len(trajectory.tokens)
    _CELLS.advance(n_steps)
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
    key = _CELLS.place
    start_with(key, -(-n_steps // 2), n_steps, "the step", first=1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = st.slider("Cells drawn", 1, n_steps, key=key, bind="query-params", persist_state="session", width=300)
        _CELLS.button("Back", "chevron_left", step - 1, n_steps)
        _CELLS.button("Step", "chevron_right", step + 1, n_steps)
        _CELLS.play_button(n_steps, key="prior_play")
    return step
