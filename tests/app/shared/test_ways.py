import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch

from geovq.app.shared.plane_axes import field_map
from geovq.app.shared.scene import Scene
from geovq.app.shared.ways import bent_pair, path_finding, ways_between
from geovq.geometry import metric_tensors
from geovq.runs import Run


def test_all_ways_have_the_same_ends_and_the_geodesic_has_the_least_energy(run: Run, scene: Scene) -> None:
    first, second = bent_pair(run)
    found = ways_between(run, first, second, int(scene.places[first, 0]))
    for curve in found.values():
        np.testing.assert_allclose(curve.points[[0, -1]], scene.positions[[first, second]], atol=1e-5)
        np.testing.assert_allclose(curve.step_lengths.sum(), curve.length)
        steps = np.diff(curve.images, axis=0).reshape(len(curve.step_lengths), -1)
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), curve.step_lengths, rtol=1e-3, atol=1e-5)
    assert min(found, key=lambda name: found[name].energy) == "relaxed"


def test_only_the_footprint_changes_on_the_way(run: Run, scene: Scene) -> None:
    found = ways_between(run, 3, 50, 0)["straight"]
    changed = np.abs(np.diff(found.images, axis=0)).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(np.abs(np.diff(found.footprints, axis=0)).sum(), changed, rtol=1e-4)


def test_a_landmark_and_itself_have_nothing_between_them(run: Run, scene: Scene) -> None:
    found = ways_between(run, 5, 5, 0)
    assert "nothing between" in path_finding(found)
    assert [way.length for way in found.values()] == [0, 0, 0]


def test_the_bent_pair_keeps_to_the_classes_that_are_asked_for(run: Run, scene: Scene) -> None:
    first, second = bent_pair(run, (3, 8))
    assert scene.classes is not None
    assert (scene.classes[first], scene.classes[second]) == (3, 8)


def test_under_another_output_geometry_ways_have_its_lengths_and_the_plane_its_unit(run: Run, scene: Scene) -> None:
    """A short straight way is as long as the metric says, which is measured by another route."""
    settings = run.config.geometry.model_copy(update={"output_geometry": "bernoulli"})
    other = replace(run, config=run.config.model_copy(update={"geometry": settings}))
    flat = replace(scene, output_geometry=other.output_geometry)
    first = int(scene.geometry.log10_magnification.argmax())
    second = int(np.linalg.norm(scene.positions - scene.positions[first], axis=1).argsort()[1])
    image = int(scene.places[first, 0])
    found = inspect.unwrap(ways_between)(other, first, second, image)
    sample, position = scene.geometry.sample, scene.places[first, 1:].tolist()
    start, end = sample.landmarks[[first, second]].double()
    points = start + torch.linspace(0, 1, len(found["straight"].points), dtype=torch.float64)[:, None] * (end - start)
    lattices = sample.lattices[image].repeat(len(points), 1, 1, 1)
    lattices[:, :, *position] = sample.subspace.lift(points.float())
    metrics = metric_tensors(
        run.autoencoder("vae").decode, lattices, sample.subspace.basis, output_geometry="bernoulli"
    )[:, *position].numpy()
    step = (points[1] - points[0]).numpy()
    speeds = np.sqrt(np.einsum("a,tab,b->t", step, metrics, step))
    assert found["straight"].length == pytest.approx((speeds[1:] + speeds[:-1]).sum() / 2, rel=1e-2)  # trapezoidal rule
    assert "Fisher–Rao²" in field_map(flat).title
    assert "pixel" not in path_finding(found, other.output_geometry)
