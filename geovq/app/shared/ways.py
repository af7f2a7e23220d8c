"""Ways between two landmarks: the straight line, the shortest path over the graph, and the relaxed geodesic."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from geovq.app.shared.caching import shared
from geovq.app.shared.scene import context_of, scene_of
from geovq.catalogue.output_geometries import PIXEL, OutputGeometry
from geovq.geometry import CellContext, Curve, graph_curve, path_tree, relaxed_curve, straight_curve
from geovq.geometry.curves.bent_pairs import most_bent_pair
from geovq.geometry.curves.curve import DecodePoints
from geovq.randomness import make_rng
from geovq.runs import Run
from geovq.viz.arrays import Array

N_POINTS = 21  # of every way
_CLEAR = 0.005  # share of the length that is worth a word
_N_CANDIDATES, _N_DRAWN = 24, 200  # pairs of which the most bent is found, and pairs of which these are the longest


@dataclass(frozen=True)
class MeasuredCurve:
    """One way between two landmarks.

    Attributes
    ----------
    points : array of shape (T, 2)
        In the plane, latent units.
    images : array of shape (T, h, w)
        What the points decode to.
    footprints : array of shape (T, rows, columns)
        The pixels of these images that the moving cell can change.
    step_lengths : array of shape (T - 1,)
        In the unit of the run's output geometry.
    length, energy, evenness : float
        As of `geovq.geometry.Curve`.
    converged : bool
        False only for a relaxation that was stopped before it had settled.
    """

    points: Float[Array, "T 2"]
    images: Float[Array, "T height width"]
    footprints: Float[Array, "T h w"]
    step_lengths: Float[Array, " T-1"]
    length: float
    energy: float
    evenness: float
    converged: bool = True


@shared(64, "Relaxing geodesics …")
def ways_between(run: Run, first: int, second: int, image: int) -> dict[str, MeasuredCurve]:
    """Straight line, graph geodesic and relaxed geodesic between two landmarks, in the lattice of one sampled image."""
    scene = scene_of(run)
    context = context_of(run, scene, image, first)
    landmarks = scene.geometry.sample.landmarks
    nodes = landmarks[torch.from_numpy(path_tree(scene.weights, first).path_to(second))]
    ends, decode = (landmarks[first], landmarks[second]), _as_measured(run, context)
    # From the straight line, whose energy the relaxation can only lower: what it ends in is never a detour. At this
    # tolerance the length is settled to half a thousandth, in half the time.
    relaxed = relaxed_curve(decode, torch.stack(ends), n_points=N_POINTS, n_steps=20, tolerance=1e-3)
    return {
        "straight": _measured(context, straight_curve(decode, *ends, n_points=N_POINTS)),
        "graph": _measured(context, graph_curve(decode, nodes, n_points=N_POINTS)),
        "relaxed": _measured(context, relaxed.curve, relaxed.converged),
    }


@shared(16, "Looking for a bent way …")
def bent_pair(run: Run, classes: tuple[int, int] | None = None) -> tuple[int, int]:
    """Two landmarks far apart between which the straight line is a detour, if wanted from one class to another."""
    scene, rng = scene_of(run), make_rng(run.seed, f"app/bent-pair/{classes}")
    inner_end = np.array(run.lattice_shape[1:]) - 1
    # At the border most images are empty.
    is_inner = ((scene.places[:, 1:] > 0) & (scene.places[:, 1:] < inner_end)).all(axis=1)
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


def path_finding(ways: Mapping[str, MeasuredCurve], geometry: OutputGeometry = PIXEL) -> str:
    """One sentence: what the geodesic saves against the straight line."""
    straight, relaxed = ways["straight"].length, ways["relaxed"].length
    if straight == 0:
        return "A and B decode to the same picture: there is nothing between them"
    saving = 1 - relaxed / straight
    if saving < _CLEAR:
        words = "Here the straight line is as short as the geodesic"
    else:
        words = f"The geodesic is {max(saving, 0.01):.0%} shorter {geometry.adverb} than the straight line"
    return words if ways["relaxed"].converged else f"{words} (it has not settled yet: an upper bound)"


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
