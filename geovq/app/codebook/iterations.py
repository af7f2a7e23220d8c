"""How the medoids were found: the search replayed pass by pass."""

import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.data import landmark_tokenizer
from geovq.app.shared.charts import show
from geovq.app.shared.links import start_with
from geovq.app.shared.plane_axes import axis_titles, plane_words
from geovq.app.shared.player import Player
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.runs import Run
from geovq.viz import tokenizer_style
from geovq.viz.medoid_steps import medoid_steps_figure

_PASSES = Player("codebook_pass", "codebook_playing", first=0, frame_s=1.5)


def iterations(run: Run, name: str) -> None:
    """The replay; it plays by itself while it is told to."""
    st.subheader("How were the codes found?")
    st.fragment(_replay, run_every=_PASSES.run_every)(run, name)


@guarded
def _replay(run: Run, name: str) -> None:
    tokenizer, scene = landmark_tokenizer(run, name), scene_of(run)
    medoids, costs = tokenizer.medoid_history.numpy(), tokenizer.cost_history.numpy()
    last = len(medoids) - 1
    measures_images = TOKENIZERS[name].measures_images
    _PASSES.advance(last)
    if last == 0:
        st.caption("This search tells only its end, so there are no passes to replay.")
        return
    step = _controls(last)
    n_moved = int((medoids[step] != medoids[step - 1]).sum()) if step else 0
    show(
        medoid_steps_figure(
            scene.positions,
            data.labels_after(run, name, step),
            medoids,
            costs,
            step,
            axis_titles=axis_titles(scene),
            cost_title=f"mean squared distance ({run.output_geometry.squared if measures_images else 'latent²'})",
        ),
        "codebook_passes",
        alt=f"Landmarks coloured by their nearest medoid after pass {step} of {last}, beside the cost of every pass",
        title=_finding(step, last, n_moved, len(medoids[0]), costs.tolist()),
        help="Left: landmarks in the colour of their code, diamonds are medoids, a line leads from where a medoid was. "
        "Right: what the search makes small, the mean squared distance of a landmark to its medoid. One pass of "
        "FasterPAM swaps a medoid for a landmark whenever that lowers the cost.",
        caption=provenance(run, f"{tokenizer_style(name).label}, best of its starts · {plane_words(scene)}"),
        data={"pass": range(last + 1), "cost": costs, "medoids moved": [0, *(medoids[1:] != medoids[:-1]).sum(axis=1)]},
    )


def _finding(step: int, last: int, n_moved: int, n_codes: int, costs: list[float]) -> str:
    if step == 0:
        saved = 1 - costs[-1] / costs[0]
        return f"The start: {n_codes} landmarks, drawn far from each other; the search saves {saved:.0%} of the cost"
    saved = 1 - costs[step] / costs[0]
    return f"Pass {step} of {last}: {n_moved} of {n_codes} medoids moved; the cost is {saved:.0%} below the start's"


def _controls(last: int) -> int:
    start_with(_PASSES.place, last, last, "the pass")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = int(st.slider("After pass", 0, last, key=_PASSES.place, bind="query-params", width=260))
        _PASSES.button("Reset", "restart_alt", 0, last, key="codebook_reset")
        _PASSES.button("Step", "chevron_right", step + 1, last, key="codebook_step")
        _PASSES.play_button(last, key="codebook_play")
    return step
