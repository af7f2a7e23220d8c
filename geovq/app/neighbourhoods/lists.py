"""The neighbours of one landmark: three lists that share a height, and where the neighbours lie."""

import numpy as np
import pandas as pd
import streamlit as st

from geovq.app.neighbourhoods import data
from geovq.app.neighbourhoods.controls import picked_query
from geovq.app.neighbourhoods.data import KINDS, Kind, Neighbourhood
from geovq.app.shared.charts import show
from geovq.app.shared.plane_axes import axis_titles, described, plane_words
from geovq.app.shared.scene import Scene
from geovq.app.shared.selection import of_total, provenance
from geovq.runs import Run
from geovq.viz import grey_tiles, mosaic_figure
from geovq.viz.agreement import landmark_plane_figure
from geovq.viz.arrays import Array
from geovq.viz.neighbours import NeighbourList, neighbour_list_figure, neighbours_figure

_TITLES: dict[Kind, str] = {
    "euclidean": "Nearest by Euclid",
    "geodesic": "Nearest by geodesic",
    "pixels": "Nearest in pixels",
}
_HELP: dict[Kind, str] = {
    "euclidean": "Straight distance in the active subspace of the latents; unit: latent units.",
    "geodesic": "Shortest path over the landmark graph, its edges measured by how much the decoded picture changes; "
    "unit: {length}, summed along the way.",
    "pixels": "Difference between the two decoded patches; unit: pixel intensity (L2). Both landmarks stand in the "
    "centre cell of the mean lattice, and only the pixels that this cell can change count.",
}
_LIST_WIDTH = 256


def planes(run: Run, scene: Scene, query: int, k: int) -> None:
    """A plane to choose a landmark in, and beside it the neighbours of the chosen one."""
    found = data.neighbourhood(run, query)
    n_shared = found.n_shared("euclidean", "geodesic", k)
    titles = axis_titles(scene)
    left, right = st.columns(2)
    with left:
        show(
            landmark_plane_figure(scene.positions, axis_titles=titles),
            "neighbourhoods_plane",
            alt="All landmarks in the latent plane, to choose one",
            title="Click a landmark to ask it",
            caption=provenance(run, f"{scene.n_landmarks:,} landmarks, {plane_words(scene)}"),
            data={"landmark": range(scene.n_landmarks), "x": scene.positions[:, 0], "y": scene.positions[:, 1]},
            select=picked_query,
        )
    with right:
        show(
            neighbours_figure(
                scene.positions,
                query,
                found.nearest("euclidean", k),
                found.nearest("geodesic", k),
                axis_titles=titles,
            ),
            "neighbourhoods_around",
            alt=f"The {k} nearest landmarks of landmark {query} by Euclid and by geodesic, enlarged",
            title=f"{n_shared} of {k} neighbours are in both lists",
            help="Enlarged around the query; grey dots are other landmarks."
            + ("" if scene.is_exact else " Seen from above: distance in directions that are not shown counts too."),
            caption=provenance(run, described(scene, query)),
            data=_table(found, query, k),
        )


def lists(run: Run, scene: Scene, query: int, k: int) -> None:
    """The nearest by three distances, with their ranks under the other two."""
    found, patches = data.neighbourhood(run, query), data.landmark_patches(run)
    with st.container(horizontal=True, vertical_alignment="center", key="neighbourhoods_asked"):
        with st.container(width=110):
            show(
                mosaic_figure(grey_tiles(patches[query])[None, None], tile_size=96),
                "neighbourhoods_query_patch",
                alt=f"The decoded patch of {described(scene, query)}",
            )
        with st.container():
            st.subheader(f"Who is near landmark {query}?")
            st.markdown(
                "Each row is a neighbour: its decoded patch, then its **rank** and distance under all three distances. "
                "▲ + means that it is so many places nearer under that distance than in this list, ▼ − so many places "
                "further. Click a patch to ask that landmark."
            )
    row = st.container(horizontal=True, gap="small")
    for own, kind in enumerate(KINDS):
        nearest = found.nearest(kind, k)
        shown = NeighbourList(
            nearest,
            patches[nearest],
            np.stack([found.ranks[other][nearest] for other in KINDS], axis=1),
            np.stack([found.distances[other][nearest] for other in KINDS], axis=1),
            ("Euclid<br>(latent)", f"geodesic<br>({run.output_geometry.length_short})", "pixels<br>(pixel L2)"),
            own,
        )
        with row.container(width=_LIST_WIDTH):
            show(
                neighbour_list_figure(shown),
                f"neighbourhoods_list_{kind}",
                alt=f"{_TITLES[kind]}: {k} landmarks with their ranks and distances; the table has the same numbers",
                title=_TITLES[kind],
                help=_HELP[kind].format(length=run.output_geometry.length),
                caption=provenance(run, of_total(k, found.n_candidates, "landmarks")),
                data=_rows(found, nearest),
                select=picked_query,
            )


def _rows(found: Neighbourhood, landmarks: Array) -> pd.DataFrame:
    columns = {"landmark": landmarks}
    columns |= {f"rank, {kind}": found.ranks[kind][landmarks] for kind in KINDS}
    columns |= {f"distance, {kind}": found.distances[kind][landmarks] for kind in KINDS}
    return pd.DataFrame(columns)


def _table(found: Neighbourhood, query: int, k: int) -> pd.DataFrame:
    nearest = np.union1d(found.nearest("euclidean", k), found.nearest("geodesic", k))
    return _rows(found, nearest).assign(query=query)
