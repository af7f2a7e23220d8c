import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from geovq.artifacts import write_safetensors
from geovq.errors import ArtifactError
from geovq.geometry import LatentGeometry, load_geometry, measure_geometry, metric_tensors, sample_landmarks
from geovq.geometry.latent_geometry import context_average
from tests.geometry.decoders import transposed_conv_decoder
from tests.geometry.test_landmarks import CONFIG, lattices


def test_context_average_is_the_mean_over_the_nearest_cells():
    rng = np.random.default_rng(0)
    cells, points = rng.normal(size=(60, 2)).astype(np.float32), rng.normal(size=(9, 2)).astype(np.float32)
    metrics = rng.normal(size=(60, 2, 2)).astype(np.float32)
    nearest = cdist(points, cells).argsort(axis=1)[:, :7]
    expected = np.stack([metrics[rows].mean(axis=0) for rows in nearest])
    np.testing.assert_allclose(context_average(metrics, cells, points, 7), expected, rtol=1e-4, atol=1e-6)


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
    np.testing.assert_array_equal(loaded.sample.graph.tails, sample.graph.tails)
    np.testing.assert_array_equal(loaded.sample.graph.heads, sample.graph.heads)
    assert loaded.sample.graph.n_components == sample.graph.n_components


def test_magnification_is_the_log_volume_of_the_metric():
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    tensors = torch.eye(3).repeat(150, 1, 1) * torch.tensor([4.0, 9.0, 25.0])
    geometry = LatentGeometry(sample, tensors, tensors)
    np.testing.assert_allclose(geometry.log10_magnification, np.log10(2 * 3 * 5), rtol=1e-5)


def test_a_file_of_another_kind_is_refused(tmp_path):
    write_safetensors(tmp_path / "g.safetensors", {"x": torch.ones(1)}, kind="model", format=1)
    with pytest.raises(ArtifactError, match=r"g\.safetensors is a model .*geovq discretize"):
        load_geometry(tmp_path / "g.safetensors")
