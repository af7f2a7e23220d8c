"""What is measured between landmarks: ways, neighbourhoods, flat pictures of distances. Plain arrays, no Streamlit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from geovq.app.shared.scene import Scene, context_of
from geovq.app.shared.views import Array
from geovq.geometry import (
    CellContext,
    Curve,
    PathTree,
    geodesic_distances,
    graph_curve,
    path_tree,
    relaxed_curve,
    straight_curve,
)
from geovq.geometry.curves.bent_pairs import most_bent_pair
from geovq.geometry.curves.curve import DecodePoints
from geovq.geometry.projection import umap_projection
from geovq.randomness import make_rng
from geovq.runs import Run

Distance = Literal["euclidean", "geodesic"]
N_POINTS = 21  # of every curve
MAX_PROJECTED = 1_500  # landmarks of a UMAP: above, it takes minutes
_N_CANDIDATES, _N_DRAWN = 24, 200  # pairs of which the most bent is found, and pairs of which these are the longest


@dataclass(frozen=True)
class MeasuredCurve:
    """One way between two landmarks.

    points : (T, 2), in the plane; images : (T, 28, 28), what they decode to; footprints : (T, h, w), the pixels that
    the moving cell can change; step_lengths : (T - 1,), in the unit of the run's output geometry; length, energy,
    evenness : as `Curve`; converged : False only for a relaxation that was stopped before it had settled.
    """

    points: Float[Array, "T 2"]
    images: Float[Array, "T height width"]
    footprints: Float[Array, "T h w"]
    step_lengths: Float[Array, " T-1"]
    length: float
    energy: float
    evenness: float
    converged: bool = True


def curves(run: Run, scene: Scene, first: int, second: int, image: int) -> dict[str, MeasuredCurve]:
    """Straight line, graph geodesic and relaxed geodesic between two landmarks, in the lattice of one image."""
    context = context_of(run, scene, image, first)
    landmarks = scene.geometry.sample.landmarks
    nodes = landmarks[torch.from_numpy(paths_from(scene, first).path_to(second))]
    ends, decode = (landmarks[first], landmarks[second]), _as_measured(run, context)
    # From the straight line, whose energy the relaxation can only lower: what it ends in is never a detour. At this
    # tolerance the length is settled to half a thousandth, in half the time.
    relaxed = relaxed_curve(decode, torch.stack(ends), n_points=N_POINTS, n_steps=20, tolerance=1e-3)
    return {
        "straight": _measured(context, straight_curve(decode, *ends, n_points=N_POINTS)),
        "graph": _measured(context, graph_curve(decode, nodes, n_points=N_POINTS)),
        "relaxed": _measured(context, relaxed.curve, relaxed.converged),
    }


def paths_from(scene: Scene, landmark: int) -> PathTree:
    """Shortest paths over the graph from a landmark to all others."""
    return path_tree(scene.weights, landmark)


def bent_pair(run: Run, scene: Scene, classes: tuple[int, int] | None = None) -> tuple[int, int]:
    """Two landmarks far apart between which the straight line is a detour, if wanted from one class to another."""
    rng = make_rng(run.seed, f"app/bent-pair/{classes}")
    is_inner = (abs(scene.places[:, 1:] - 3) <= 2).all(axis=1)  # at the border most images are empty
    groups = [is_inner, is_inner]
    if classes is not None and scene.classes is not None:
        groups = [is_inner & (scene.classes == label) for label in classes]
    if not all(group.any() for group in groups):
        groups = [np.ones(scene.n_landmarks, dtype=bool)] * 2
    drawn = np.stack([rng.choice(np.flatnonzero(group), _N_DRAWN) for group in groups], axis=1)
    apart = np.linalg.norm(scene.positions[drawn[:, 0]] - scene.positions[drawn[:, 1]], axis=1)
    candidates = drawn[np.argsort(-apart, kind="stable")[:_N_CANDIDATES]]
    return most_bent_pair(
        lambda i: _as_measured(run, context_of(run, scene, int(scene.places[i, 0]), i)),
        scene.geometry.sample.landmarks,
        candidates,
    )


@dataclass(frozen=True)
class Neighbourhoods:
    """The same number of landmarks around one: nearest in latent space, and nearest on the graph.

    in_disc, in_ball : (N,); radius, geodesic_radius : latent units, and the unit of the run's output geometry.
    """

    in_disc: Bool[Array, " N"]
    in_ball: Bool[Array, " N"]
    radius: float
    geodesic_radius: float

    @property
    def n_inside(self) -> int:
        """Landmarks in either."""
        return int(self.in_disc.sum())

    @property
    def overlap(self) -> float:
        """Share of the disc's landmarks that the ball has too."""
        return int((self.in_disc & self.in_ball).sum()) / self.n_inside


def neighbourhoods(scene: Scene, landmark: int, share: float) -> Neighbourhoods:
    """Disc and ball around a landmark that hold a share of all landmarks each."""
    points = scene.geometry.sample.landmarks.numpy()
    straight = np.linalg.norm(points - points[landmark], axis=1)
    geodesic = paths_from(scene, landmark).distances
    n_inside = max(1, round(share * len(points)))
    inside, radii = [], []
    for distances in (straight, geodesic):
        nearest = np.argsort(distances, kind="stable")[:n_inside]
        members = np.zeros(len(points), dtype=bool)
        members[nearest] = True
        inside.append(members)
        radii.append(float(distances[nearest[-1]]))
    return Neighbourhoods(inside[0], inside[1], radii[0], radii[1])


def projected_landmarks(run: Run, scene: Scene) -> Int[Array, " n"]:
    """The landmarks that a UMAP shows: all of them, or as many as it manages in seconds, drawn with the run's seed."""
    n_shown = min(MAX_PROJECTED, scene.n_landmarks)
    return np.sort(make_rng(run.seed, "app/projection").choice(scene.n_landmarks, n_shown, replace=False))


def projection(run: Run, scene: Scene, distance: Distance) -> Float[Array, "n 2"]:
    """UMAP of the projected landmarks under one of the two distances, with the run's seed."""
    members = projected_landmarks(run, scene)
    if distance == "euclidean":
        points = scene.geometry.sample.landmarks[members]
        distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").numpy()
    else:
        distances = geodesic_distances(scene.weights, members)[:, members]
        distances = np.minimum(distances, distances.T)  # both ends sum a path, in different orders
    return umap_projection(distances, seed=run.seed)


def _as_measured(run: Run, context: CellContext) -> DecodePoints:
    """A cell's decoder into coordinates in which L2 lengths are those of the run's output geometry."""
    embed = run.output_geometry.embed
    return context if embed is None else lambda points: embed(context(points))


def _measured(context: CellContext, curve: Curve, converged: bool = True) -> MeasuredCurve:
    with torch.no_grad():
        images = context.images(curve.points)[:, 0].numpy()
    return MeasuredCurve(
        curve.points[:, :2].numpy(),
        images,
        images[:, *context.footprint],
        curve.step_lengths.numpy(),
        curve.length,
        curve.energy,
        curve.evenness,
        converged,
    )
