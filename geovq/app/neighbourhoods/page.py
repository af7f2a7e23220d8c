"""The sections of the page Neighbourhoods in their order."""

import streamlit as st

from geovq.app.neighbourhoods import data
from geovq.app.neighbourhoods.controls import neighbour_count, query_picker
from geovq.app.neighbourhoods.lists import lists, planes
from geovq.app.neighbourhoods.map import agreement_map, verdict
from geovq.app.shared.charts import show
from geovq.app.shared.scene import scene_of
from geovq.app.shared.selection import provenance
from geovq.app.shared.states import guarded
from geovq.geometry.graph.component_counts import ComponentCounts
from geovq.runs import Run
from geovq.viz.component_counts import component_counts_figure


@st.fragment
@guarded
def one_landmark(run: Run) -> None:
    """All that belongs to one query and one number of neighbours."""
    scene, agreement = scene_of(run), data.agreement(run)
    sentence = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = neighbour_count(agreement)
        query = query_picker(scene, agreement, k)
    with sentence:
        verdict(run, agreement, k)
    planes(run, scene, query, k)
    lists(run, scene, query, k)
    agreement_map(run, scene, agreement, k)


@guarded
def graph_pieces(run: Run) -> None:
    """Draw the number of components of the landmark graph, against the number of neighbours."""
    found, current = data.pieces(run), run.config.geometry.n_neighbors
    st.subheader("Does the graph hold together?")
    show(
        component_counts_figure(found.n_neighbors, found.n_components, found.largest_share, current),
        "neighbourhoods_connectivity",
        alt="Pieces of the landmark graph, and share of landmarks in the largest, against the number of neighbours",
        title=_finding(found, current),
        help="Each landmark is joined to its k nearest by Euclid. Where the graph falls into pieces they are joined by "
        "their shortest edges, and geodesics between them all run over these bridges.",
        caption=provenance(run, f"{scene_of(run).n_landmarks:,} landmarks, copies included"),
        data={
            "k": found.n_neighbors,
            "pieces": found.n_components,
            "share in the largest piece": found.largest_share,
        },
    )


def _finding(found: ComponentCounts, current: int) -> str:
    first = found.first_connected
    if first is None:
        return f"Even {found.n_neighbors[-1]} neighbours leave {found.n_components[-1]} pieces, which are joined"
    held = "is in one piece" if current >= first else "had to be joined from pieces"
    return f"From {first} neighbours on the graph is in one piece; this run uses {current}, so its graph {held}"
