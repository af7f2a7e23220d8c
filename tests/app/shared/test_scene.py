from dataclasses import replace

import numpy as np
import pytest
import torch

from geovq.app.geometry.measured import bent_pair, curves, neighbourhoods
from geovq.app.geometry.paths import curve_table, path_finding
from geovq.app.geometry.world import NAMES, bend, chart_field, three_curves, verdict
from geovq.app.shared import fetching
from geovq.app.shared.plane_axes import field_map
from geovq.app.shared.scene import Scene, landmark_codes, make_scene
from geovq.data import load_images
from geovq.errors import DataError
from geovq.geometry import measure_curve, metric_tensors
from geovq.geometry.worlds import WORLDS
from geovq.runs import Run, experiment_images


def test_places_lead_back_to_the_landmarks(scene: Scene) -> None:
    sample = scene.geometry.sample
    image, row, column = torch.from_numpy(scene.places).T
    torch.testing.assert_close(sample.lattices[image, :, row, column], sample.landmark_latents)


def test_classes_are_those_of_the_images_that_encode_to_the_sampled_lattices(run: Run, scene: Scene) -> None:
    images = experiment_images(run.config, "train")
    with torch.no_grad():
        encoded = run.models["vae"].encode(images.batch(torch.arange(len(images)))).flatten(start_dim=1)
    sampled = scene.geometry.sample.lattices[scene.places[:, 0]].flatten(start_dim=1)
    source = torch.cdist(sampled, encoded).argmin(dim=1)
    np.testing.assert_array_equal(scene.classes, images.labels[source])


def test_without_the_images_there_are_no_classes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(run: Run) -> None:
        raise DataError("not here")

    monkeypatch.setattr(fetching, "training_images", missing)
    assert make_scene(run).classes is None


def test_other_images_than_those_of_the_sample_lend_it_no_classes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "training_images", lambda run: load_images("fashion_mnist-sample", "train"))
    assert make_scene(run).classes is None


def test_codes_of_landmarks_are_their_tokens(run: Run, scene: Scene) -> None:
    """A medoid is a landmark, and its own code."""
    codes = landmark_codes(run, scene, "riemannian")
    medoids = run.tokenizers["riemannian"].medoid_indices.numpy()
    np.testing.assert_array_equal(codes[medoids], np.arange(len(medoids)))


def test_all_ways_have_the_same_ends_and_the_geodesic_has_the_least_energy(run: Run, scene: Scene) -> None:
    first, second = bent_pair(run, scene)
    found = curves(run, scene, first, second, int(scene.places[first, 0]))
    for curve in found.values():
        np.testing.assert_allclose(curve.points[[0, -1]], scene.positions[[first, second]], atol=1e-5)
        np.testing.assert_allclose(curve.step_lengths.sum(), curve.length)
        steps = np.diff(curve.images, axis=0).reshape(len(curve.step_lengths), -1)
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), curve.step_lengths, rtol=1e-3, atol=1e-5)
    assert min(found, key=lambda name: found[name].energy) == "relaxed"


def test_only_the_footprint_changes_on_the_way(run: Run, scene: Scene) -> None:
    found = curves(run, scene, 3, 50, 0)["straight"]
    changed = np.abs(np.diff(found.images, axis=0)).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(np.abs(np.diff(found.footprints, axis=0)).sum(), changed, rtol=1e-4)


def test_a_landmark_and_itself_have_nothing_between_them(run: Run, scene: Scene) -> None:
    found = curves(run, scene, 5, 5, 0)
    assert "nothing between" in path_finding(found)
    assert curve_table(found)["length"].tolist() == [0, 0, 0]


def test_the_bent_pair_keeps_to_the_classes_that_are_asked_for(run: Run, scene: Scene) -> None:
    first, second = bent_pair(run, scene, (3, 8))
    assert scene.classes is not None
    assert (scene.classes[first], scene.classes[second]) == (3, 8)


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
def test_disc_and_ball_hold_the_same_number_and_their_centre(scene: Scene, share: float) -> None:
    found = neighbourhoods(scene, 7, share)
    assert found.in_disc.sum() == found.in_ball.sum() == max(1, round(share * scene.n_landmarks))
    points = scene.geometry.sample.landmarks.numpy()
    away = np.linalg.norm(points - points[7], axis=1)
    assert away[found.in_disc].max() <= away[~found.in_disc].min(initial=np.inf)
    assert found.overlap == (1.0 if share == 1 else pytest.approx(np.mean(found.in_ball[found.in_disc])))


@pytest.mark.parametrize("name", NAMES)
def test_of_the_three_curves_the_geodesic_is_the_shortest(name: str) -> None:
    world = WORLDS[name]
    low, high = torch.tensor(world.domain, dtype=torch.float64).T
    start, end = low + (high - low) * torch.tensor([0.1, 0.8]), low + (high - low) * torch.tensor([0.9, 0.7])
    found = three_curves(world, start, end)
    lengths = {kind: measure_curve(world.embed, curve).length for kind, curve in found.items()}
    assert min(lengths, key=lambda kind: lengths[kind]) == "geodesic"
    exact = float(world.geodesic_distance(start[None], end[None]))
    assert lengths["geodesic"] == pytest.approx(exact, rel=1e-3)
    for curve in found.values():
        torch.testing.assert_close(curve[[0, -1]], torch.stack([start, end]))


def test_along_a_meridian_the_straight_line_is_the_geodesic() -> None:
    world = WORLDS["sphere"]
    found = three_curves(world, torch.tensor([0.5, -0.7]).double(), torch.tensor([0.5, 0.9]).double())
    assert bend(world, found) < 1e-6


def test_the_verdict_knows_right_from_wrong() -> None:
    lengths, named = {"A": 2.0, "B": 1.5, "C": 1.8}, {"A": "mirrored", "B": "geodesic", "C": "straight"}
    assert verdict(lengths, named, "B").startswith("Right, B")
    assert verdict(lengths, named, "A").startswith("No: B is the shortest, not A")
    assert "16.7% shorter than C" in verdict(lengths, named, "A")


def test_the_chart_of_the_sphere_shrinks_to_the_poles() -> None:
    field = chart_field(WORLDS["sphere"])
    np.testing.assert_allclose(10 ** field.log10_magnification[:, 0], np.cos(field.y), rtol=1e-6)


def test_under_another_output_geometry_ways_have_its_lengths_and_the_plane_its_unit(run: Run, scene: Scene) -> None:
    """A short straight way is as long as the metric says, which is measured by another route."""
    settings = run.config.geometry.model_copy(update={"output_geometry": "bernoulli"})
    other = replace(run, config=run.config.model_copy(update={"geometry": settings}))
    flat = replace(scene, output_geometry=other.output_geometry)
    first = int(scene.geometry.log10_magnification.argmax())
    second = int(np.linalg.norm(scene.positions - scene.positions[first], axis=1).argsort()[1])
    image = int(scene.places[first, 0])
    found = curves(other, flat, first, second, image)["straight"]
    sample, position = scene.geometry.sample, scene.places[first, 1:].tolist()
    start, end = sample.landmarks[[first, second]].double()
    points = start + torch.linspace(0, 1, len(found.points), dtype=torch.float64)[:, None] * (end - start)
    lattices = sample.lattices[image].repeat(len(points), 1, 1, 1)
    lattices[:, :, *position] = sample.subspace.lift(points.float())
    metrics = metric_tensors(run.models["vae"].decode, lattices, sample.subspace.basis, output_geometry="bernoulli")[
        :, *position
    ].numpy()
    step = (points[1] - points[0]).numpy()
    speeds = np.sqrt(np.einsum("a,tab,b->t", step, metrics, step))
    assert found.length == pytest.approx((speeds[1:] + speeds[:-1]).sum() / 2, rel=1e-2)  # trapezoidal rule
    assert "Fisher–Rao²" in field_map(flat).title
    assert "pixel" not in path_finding(curves(other, flat, first, second, image), other.output_geometry)
