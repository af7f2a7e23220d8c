"""Half an image, and many ways to go on."""

import numpy as np
import streamlit as st

from geovq.app.prior import data
from geovq.app.prior.controls import drawing_words
from geovq.app.prior.data import Drawing
from geovq.app.shared.charts import show
from geovq.app.shared.mosaics import originals_of
from geovq.app.shared.pickers import image_picker
from geovq.app.shared.selection import provenance
from geovq.runs import Run
from geovq.viz.completion import completion_figure

_N_COLUMNS = 9


def completion_view(run: Run, drawing: Drawing) -> None:
    """Keep the first rows of an image, and let the prior draw the rest."""
    height = run.priors[drawing.tokenizer].height
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, class_name = image_picker(run, "prior")
        n_kept = st.slider(
            "Rows of cells kept",
            0,
            height,
            height // 2,
            key="prior_rows",
            bind="query-params",
            persist_state="session",
            help="0 draws all of it anew, the largest value draws nothing.",
            width=200,
        )
        n = st.select_slider(
            "Completions",
            (7, 16, 34),
            16,
            key="prior_completions",
            bind="query-params",
            persist_state="session",
            width=160,
        )
    drawn = data.completions(run, drawing, index, n_kept, n)
    given = data.reconstructions(run, drawing.tokenizer, drawing.decoder, (index,))
    show(
        completion_figure(
            np.concatenate([originals_of(run, (index,)), given, drawn]),
            ["original", "its tokens", *(str(number + 1) for number in range(n))],
            n_kept / height,
            n_columns=_N_COLUMNS,
        ),
        "prior_completed",
        alt=f"Held-out image {index} ({class_name}), its reconstruction, and {n} completions of {n_kept} rows",
        title=f"{n} ways to go on from the first {n_kept} of {height} rows of image {index} ({class_name})",
        help="The framed part was given as tokens. A cell paints beyond its own pixels, so those at the edge of the "
        "frame may change with what is drawn below."
        + (
            ""
            if drawing.label is not None or not run.priors[drawing.tokenizer].n_classes
            else " Each completion draws its class from what the given rows say about it."
        ),
        caption=provenance(run, drawing_words(run, drawing)),
    )
