"""UMAP of the landmarks under straight and under geodesic distances, side by side."""

from dataclasses import replace

import streamlit as st

from geovq.app.geometry.colours import colour_picker, grouping_of
from geovq.app.geometry.measured import Distance, projected_landmarks, projection
from geovq.app.shared.caching import run_key
from geovq.app.shared.charts import show
from geovq.app.shared.scene import Scene, scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.runs import Run
from geovq.viz.arrays import Array
from geovq.viz.embedding import embedding_figure

_ASKED = "geometry_projected"  # runs whose projection somebody has asked for in this session
_TITLES: dict[Distance, str] = {"euclidean": "straight distances", "geodesic": "geodesic distances"}


@st.fragment
@guarded
def projections(run: Run) -> None:
    """Offer the projections, and show them once they are asked for: the first time takes a while."""
    scene = scene_of(run)
    st.subheader(
        "What a map made of distances alone looks like",
        help="UMAP lays points out so that near ones stay near. Here it knows nothing but the distances: straight ones "
        "on the left, geodesic ones on the right.",
    )
    asked: set[tuple[str, str]] = st.session_state.setdefault(_ASKED, set())
    members = projected_landmarks(run, scene)
    if run_key(run) not in asked:
        st.markdown(f"UMAP of {of_total(len(members), scene.n_landmarks, 'landmarks')}. The first time takes a minute.")
        st.button(
            "Project the landmarks",
            icon=":material/scatter_plot:",
            key="geometry_project",
            on_click=asked.add,
            args=(run_key(run),),
        )
        return
    by = colour_picker(run, scene, "geometry_umap_colour")
    pictures = _projected(run)
    grouping = grouping_of(run, scene, by)
    grouping = replace(grouping, labels=grouping.labels[members])
    show(
        embedding_figure({_TITLES[name]: picture for name, picture in pictures.items()}, grouping),
        "geometry_umap",
        alt="UMAP pictures of the same landmarks from Euclidean and from geodesic distances",
        title="The same landmarks, laid out by straight and by geodesic distances",
        help="Axes of a UMAP have no unit, and only what is near is meant to be read.",
        caption=provenance(run, f"{of_total(len(members), scene.n_landmarks, 'landmarks')}, UMAP with seed {run.seed}"),
        data=_table(scene, members, pictures),
    )


def _projected(run: Run) -> dict[Distance, Array]:
    pictures: dict[Distance, Array] = {}
    place = st.empty()
    for step, (name, title) in enumerate(_TITLES.items(), start=1):
        place.progress((step - 1) / len(_TITLES), text=f"Step {step} of {len(_TITLES)}: UMAP of {title}")
        pictures[name] = projection(run, name)
    place.empty()
    return pictures


def _table(scene: Scene, members: Array, pictures: dict[Distance, Array]) -> dict[str, Array]:
    table = {"landmark": members}
    for name, picture in pictures.items():
        table |= {f"{name}_1": picture[:, 0], f"{name}_2": picture[:, 1]}
    return table if scene.classes is None else table | {"class": scene.classes[members]}
