import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from geovq.artifacts import read_safetensors, write_safetensors
from geovq.errors import ArtifactError, Cancelled, DeviceError, InvalidValueError, ShapeError
from geovq.geometry import (
    LatentGeometry,
    latent_geometry,
    load_geometry,
    measure_geometry,
    metric_tensors,
    sample_landmarks,
)
from geovq.geometry.latent_geometry import context_average
from geovq.geometry.metric.colouring import ColouringSummary
from tests.geometry.decoders import transposed_conv_decoder
from tests.geometry.listeners import Listener
from tests.geometry.test_landmarks import CONFIG, lattices


def test_context_average_is_the_mean_over_the_nearest_cells():
    rng = np.random.default_rng(0)
    cells, points = rng.normal(size=(60, 2)).astype(np.float32), rng.normal(size=(9, 2)).astype(np.float32)
    metrics = rng.normal(size=(60, 2, 2)).astype(np.float32)
    nearest = cdist(points, cells).argsort(axis=1)[:, :7]
    expected = np.stack([metrics[rows].mean(axis=0) for rows in nearest])
    np.testing.assert_allclose(context_average(metrics, cells, points, 7), expected, rtol=1e-4, atol=1e-6)


def some_metrics(n_cells=60, n_points=9, n_axes=2, seed=0):
    rng = np.random.default_rng(seed)
    cells, points = rng.normal(size=(n_cells, n_axes)), rng.normal(size=(n_points, n_axes))
    return [array.astype(np.float32) for array in (rng.normal(size=(n_cells, n_axes, n_axes)), cells, points)]


@pytest.mark.parametrize("n_axes", [1, 2, 4])
def test_context_average_over_more_cells_than_there_are_is_the_mean_of_all(n_axes):
    metrics, cells, points = some_metrics(n_axes=n_axes)
    averaged = context_average(metrics, cells, points, 1_000)
    np.testing.assert_allclose(averaged, np.broadcast_to(metrics.mean(axis=0), averaged.shape), rtol=1e-4, atol=1e-6)


def test_a_constant_field_is_its_own_average():
    _, cells, points = some_metrics(500, 100, 3)
    metrics = np.broadcast_to(np.diag([1.0, 4.0, 9.0]).astype(np.float32), (500, 3, 3)).copy()
    np.testing.assert_allclose(context_average(metrics, cells, points, 32), metrics[:100], rtol=1e-6)


def test_chunks_order_and_repetition_of_points_change_nothing(monkeypatch):
    metrics, cells, points = some_metrics(300, 200, 3)
    whole = context_average(metrics, cells, points, 8)
    np.testing.assert_array_equal(context_average(metrics, cells, points[::-1], 8), whole[::-1])
    np.testing.assert_array_equal(context_average(metrics, cells, points.repeat(3, axis=0), 8), whole.repeat(3, axis=0))
    monkeypatch.setattr(latent_geometry, "_NEIGHBOURS_PER_CHUNK", 100)  # 12 points at a time
    listener = Listener()
    np.testing.assert_array_equal(context_average(metrics, cells, points, 8, progress=listener), whole)
    assert listener.phases == [("context average", 200, "landmarks")]
    assert listener.advances == [12] * 16 + [8]
    with pytest.raises(Cancelled):
        context_average(metrics, cells, points, 8, progress=Listener(stop_after=3))


def test_cells_at_the_same_place_are_chosen_among_the_same_way_every_time():
    metrics, cells, points = some_metrics(200, 50)
    cells[:80] = points[:20] = 0
    first, again = (context_average(metrics, cells, points, 16) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first[:20] == first[0]).all()


def test_context_average_names_bad_input():
    metrics, cells, points = some_metrics()
    with pytest.raises(InvalidValueError, match="at least 1 cell; got 0"):
        context_average(metrics, cells, points, 0)
    with pytest.raises(ShapeError, match=r"got \(59, 2, 2\) for \(60, 2\) and \(9, 2\)"):
        context_average(metrics[1:], cells, points, 4)


def test_averaging_over_one_cell_is_the_landmarks_own_metric():
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    decode = transposed_conv_decoder().float()
    geometry = measure_geometry(decode, sample, CONFIG.model_copy(update={"n_context": 1}))
    own = metric_tensors(decode, sample.lattices, sample.subspace.basis).reshape(-1, 3, 3)
    np.testing.assert_allclose(geometry.cell_metrics, own, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(geometry.metrics, own[sample.landmark_indices], rtol=1e-4, atol=1e-7)


def test_a_saved_geometry_comes_back_whole(tmp_path):
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    geometry = measure_geometry(transposed_conv_decoder().float(), sample, CONFIG)
    geometry.save(tmp_path / "geometry.safetensors")
    loaded = load_geometry(tmp_path / "geometry.safetensors")
    assert torch.equal(loaded.metrics, geometry.metrics)
    assert torch.equal(loaded.cell_metrics, geometry.cell_metrics)
    assert torch.equal(loaded.sample.landmarks, sample.landmarks)
    assert torch.equal(loaded.sample.image_indices, sample.image_indices)
    np.testing.assert_array_equal(loaded.sample.graph.tails, sample.graph.tails)
    np.testing.assert_array_equal(loaded.sample.graph.heads, sample.graph.heads)
    assert loaded.sample.graph.n_components == sample.graph.n_components
    assert loaded.colouring == geometry.colouring == ColouringSummary(25, 9, (3, 3), (12, 12))


def test_a_file_that_says_neither_its_colouring_nor_its_images_is_read(tmp_path):
    file, sample = tmp_path / "geometry.safetensors", sample_landmarks(lattices(), CONFIG, seed=0)
    measure_geometry(transposed_conv_decoder().float(), sample, CONFIG).save(file)
    tensors, metadata = read_safetensors(file, "geometry", 1)
    del tensors["image_indices"]
    graph = {name: metadata[name] for name in ("n_components", "n_joining_edges")}
    write_safetensors(file, tensors, kind="geometry", format=1, metadata=graph)
    loaded = load_geometry(file)
    assert loaded.colouring is None
    assert loaded.sample.image_indices is None


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(DeviceError, match="'cuda:63' was asked for"):
        measure_geometry(
            transposed_conv_decoder().float(), sample_landmarks(lattices(), CONFIG, seed=0), CONFIG, device="cuda:63"
        )


def test_magnification_is_the_log_volume_of_the_metric():
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    tensors = torch.eye(3).repeat(150, 1, 1) * torch.tensor([4.0, 9.0, 25.0])
    geometry = LatentGeometry(sample, tensors, tensors)
    np.testing.assert_allclose(geometry.log10_magnification, np.log10(2 * 3 * 5), rtol=1e-5)


def test_a_file_of_another_kind_is_refused(tmp_path):
    write_safetensors(tmp_path / "g.safetensors", {"x": torch.ones(1)}, kind="model", format=1)
    with pytest.raises(ArtifactError, match=r"g\.safetensors is a model .*geovq discretize"):
        load_geometry(tmp_path / "g.safetensors")
