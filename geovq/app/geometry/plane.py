"""The plane of a run's latent space: its field, its landmarks, and what is chosen on it."""

from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from geovq.app.geometry.balls import balls
from geovq.app.geometry.colours import colour_picker, grouping_of
from geovq.app.geometry.measured import shown_magnification
from geovq.app.geometry.paths import paths
from geovq.app.geometry.points import picked_point, point_pickers
from geovq.app.shared.caching import shared
from geovq.app.shared.charts import show
from geovq.app.shared.plane_axes import axis_titles, field_map, plane_words
from geovq.app.shared.readable import readable, theme
from geovq.app.shared.scene import Scene, scene_of
from geovq.app.shared.selection import of_total, provenance
from geovq.app.shared.states import guarded
from geovq.geometry.active_plane import indicatrices
from geovq.runs import Run
from geovq.viz.arrays import Array
from geovq.viz.field import field_figure

_MAX_EDGES = 10_000


@st.fragment
@guarded
def two_points(run: Run) -> None:
    """The map to choose two points on, the ways between them, and the balls around the first."""
    scene = scene_of(run)
    _map(run, scene)
    first, second, image = point_pickers(run, scene)
    paths(run, scene, first, second, image)
    balls(run, first)


def _map(run: Run, scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = colour_picker(run, scene, "geometry_colour")
        with_ellipses = st.toggle(
            "Ellipses",
            value=True,
            key="geometry_ellipses",
            bind="query-params",
            help="Every point of one ellipse is a step that changes the picture equally. Long axis: hardly anything "
            "happens. Short axis: much does. The longest are cut to the distance between two of them.",
        )
        with_edges = st.toggle(
            "Graph edges",
            key="geometry_edges",
            bind="query-params",
            help="Each landmark is joined to its nearest others; geodesics run here.",
        )
    field, n_active = scene.field, scene.geometry.sample.subspace.n_active
    shown = [f"{scene.n_landmarks:,} landmarks", plane_words(scene)]
    if with_ellipses:
        shown.append(f"ellipses: steps that change the picture by {indicatrices(field)[1]:.2g}")
    if with_edges:
        shown.append(of_total(len(_edges(scene)), len(scene.geometry.sample.graph.tails), "edges"))
    show(
        _figure(run, by, with_ellipses, with_edges, theme()),
        "geometry_plane",
        alt="Left: how much the decoder magnifies each place of the latent plane, with ellipses of equal change. "
        "Right: the landmarks in the same plane",
        title=_finding(field.log10_magnification, field.median_anisotropy),
        help="Magnification: how much a small patch of this plane is enlarged in the space of pictures. Click a point "
        "in either panel to make it A or B.",
        caption=provenance(run, " · ".join(shown)),
        data={
            "landmark": range(scene.n_landmarks),
            "x": scene.positions[:, 0],
            "y": scene.positions[:, 1],
            "log10_magnification_shown": shown_magnification(scene),
            f"log10_magnification_all_{n_active}_directions": scene.geometry.log10_magnification.numpy(),
            **({} if scene.classes is None else {"class": [scene.class_names[label] for label in scene.classes]}),
        },
        select=picked_point,
    )


@shared(16, False)
def _figure(run: Run, by: str | None, with_ellipses: bool, with_edges: bool, theme: str) -> Any:
    scene = scene_of(run)
    outlines, _ = indicatrices(scene.field)
    return readable(
        field_figure(
            field_map(scene),
            outlines if with_ellipses else outlines[:0],
            scene.positions,
            grouping_of(run, scene, by),
            _edges(scene) if with_edges else None,
            axis_titles=axis_titles(scene),
        )
    )


def _edges(scene: Scene) -> Float[Array, "edges 2 2"]:
    """End points of edges of the landmark graph, evenly drawn where there are too many."""
    graph = scene.geometry.sample.graph
    stride = -(-len(graph.tails) // _MAX_EDGES)
    ends: Array = scene.positions[np.stack([graph.tails[::stride], graph.heads[::stride]], axis=1)]
    return ends


def _finding(log10_magnification: Array, anisotropy: float) -> str:
    low, high = np.nanquantile(log10_magnification, [0.05, 0.95])
    return (
        f"A step in the best direction changes the picture {anisotropy:.1f} times as much as one across it, and "
        f"patches of one size are enlarged {10 ** (high - low):.0f} times as much in some places as in others"
    )
