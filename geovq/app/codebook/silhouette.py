"""How distinct the clusters are, for many numbers of codes; asked for, because it takes a while."""

import numpy as np
import streamlit as st

from geovq.app.codebook import data
from geovq.app.codebook.data import tried_counts
from geovq.app.shared.caching import run_key
from geovq.app.shared.charts import show
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.runs import Run
from geovq.viz import tokenizer_style
from geovq.viz.silhouettes import silhouette_figure

_ASKED = "codebook_silhouettes"  # what somebody has asked for in this session


@st.fragment
@guarded
def silhouettes(run: Run, name: str) -> None:
    """Offer the curve, and show it once it is asked for."""
    st.subheader("How many codes are enough?")
    asked: set[tuple[str, ...]] = st.session_state.setdefault(_ASKED, set())
    counts, wanted = tried_counts(run, name), (*run_key(run), name)
    label = tokenizer_style(name).label
    if wanted not in asked:
        st.markdown(
            f"Codebooks of {counts[0]} to {counts[-1]} codes are searched for on the {label} graph, {len(counts)} in "
            "all. The first time takes up to a minute."
        )
        st.button(
            "Measure the silhouettes",
            icon=":material/ssid_chart:",
            key="codebook_ask_silhouettes",
            on_click=asked.add,
            args=(wanted,),
        )
        return
    values = _measured(run, name, counts)
    best = counts[int(np.argmax(values))]
    show(
        silhouette_figure(counts, values, counts[-1], name),
        "codebook_silhouette",
        alt=f"Medoid silhouette of the {label} tokenizer against the number of codes",
        title=f"Clusters are most distinct with {best} codes: {max(values):.2f}, against {values[-1]:.2f} with "
        f"{counts[-1]}",
        help="1 − a / b, averaged over the landmarks; a is the distance to the nearest and b to the second nearest "
        "medoid: 1 where every landmark lies on its medoid, 0 where all lie midway between two. Distinct clusters are "
        "not the aim of a tokenizer, small errors are: see Compare for rate and distortion.",
        caption=provenance(run, f"{label}, {len(counts)} codebooks, each from one start of graph k-medoids"),
        data={"codes": counts, "silhouette": values},
    )


def _measured(run: Run, name: str, counts: list[int]) -> list[float]:
    values, place = [], st.empty()
    for step, n_codes in enumerate(counts):
        place.progress(step / len(counts), text=f"Codebook {step + 1} of {len(counts)}: {n_codes} codes")
        values.append(data.silhouette(run, name, n_codes))
    place.empty()
    return values
