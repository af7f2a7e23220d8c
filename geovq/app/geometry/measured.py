"""What the page Geometry measures among landmarks: disc and ball around one of them, and UMAPs. No widgets."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from geovq.app.shared.caching import shared
from geovq.app.shared.scene import Scene, scene_of
from geovq.geometry import geodesic_distances, path_tree
from geovq.geometry.projection import umap_projection
from geovq.randomness import make_rng
from geovq.runs import Run
from geovq.viz.arrays import Array

Distance = Literal["euclidean", "geodesic"]
MAX_PROJECTED = 1_500  # landmarks of a UMAP: above, it takes minutes


@dataclass(frozen=True)
class DiscAndBall:
    """The same number of landmarks around one: nearest in latent space, and nearest on the graph.

    Attributes
    ----------
    in_disc, in_ball : arrays of shape (N,)
    radius : float
        Of the disc, latent units.
    geodesic_radius : float
        Of the ball, in the unit of the run's output geometry.
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


def disc_and_ball(scene: Scene, landmark: int, share: float) -> DiscAndBall:
    """Disc and ball around a landmark that hold a share of all landmarks each."""
    points = scene.geometry.sample.landmarks.numpy()
    straight = np.linalg.norm(points - points[landmark], axis=1)
    geodesic = path_tree(scene.weights, landmark).distances
    n_inside = max(1, round(share * len(points)))
    inside, radii = [], []
    for distances in (straight, geodesic):
        nearest = np.argsort(distances, kind="stable")[:n_inside]
        members = np.zeros(len(points), dtype=bool)
        members[nearest] = True
        inside.append(members)
        radii.append(float(distances[nearest[-1]]))
    return DiscAndBall(inside[0], inside[1], radii[0], radii[1])


def shown_magnification(scene: Scene) -> Float[Array, " N"]:
    """What the map of the plane shows where each landmark lies: log10 magnification at the nearest of its places."""
    field = scene.field
    columns, rows = (
        np.abs(axis[None] - scene.positions[:, i, None]).argmin(axis=1) for i, axis in enumerate((field.x, field.y))
    )
    shown: Array = field.log10_magnification[rows, columns]
    return shown


def projected_landmarks(run: Run, scene: Scene) -> Int[Array, " n"]:
    """The landmarks that a UMAP shows: all of them, or as many as it manages in seconds, drawn with the run's seed."""
    n_shown = min(MAX_PROJECTED, scene.n_landmarks)
    return np.sort(make_rng(run.seed, "app/projection").choice(scene.n_landmarks, n_shown, replace=False))


@shared(8, False)
def projection(run: Run, distance: Distance) -> Float[Array, "n 2"]:
    """UMAP of the projected landmarks under one of the two distances, with the run's seed; takes seconds."""
    scene = scene_of(run)
    members = projected_landmarks(run, scene)
    if distance == "euclidean":
        points = scene.geometry.sample.landmarks[members]
        distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").numpy()
    else:
        distances = geodesic_distances(scene.weights, members)[:, members]
        distances = np.minimum(distances, distances.T)  # both ends sum a path, in different orders
    return umap_projection(distances, seed=run.seed)
