import numpy as np
import pytest
import torch

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError
from geovq.geometry import sample_landmarks
from geovq.lattice import cells_of


def lattices(n=40, channels=3, size=5):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(0))


CONFIG = GeometryConfig(n_images=20, n_landmarks=150, n_neighbors=5, n_context=8, residual_variance=0.0)


def test_landmarks_are_distinct_cells_of_the_sampled_lattices():
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    assert len(sample.landmark_indices.unique()) == 150
    assert sample.lattices.shape == (20, 3, 5, 5)
    everything = {tuple(row) for row in cells_of(lattices()).tolist()}
    assert all(tuple(row) in everything for row in sample.landmark_latents.tolist())
    np.testing.assert_allclose(sample.subspace.lift(sample.landmarks), sample.landmark_latents, rtol=1e-4, atol=1e-5)


def test_images_are_drawn_from_the_whole_split():
    marked = torch.arange(1000.0).reshape(-1, 1, 1, 1).expand(-1, 1, 3, 3) + 0.01 * torch.randn(1000, 1, 3, 3)
    chosen = sample_landmarks(marked, CONFIG.model_copy(update={"n_images": 100}), seed=0).lattices.mean(dim=(1, 2, 3))
    assert chosen.min() < 100
    assert chosen.max() > 900


def test_seed_decides_the_sample():
    first, again, other = (sample_landmarks(lattices(), CONFIG, seed=s) for s in (0, 0, 1))
    assert torch.equal(first.landmark_indices, again.landmark_indices)
    assert not torch.equal(first.landmark_indices, other.landmark_indices)


def test_more_landmarks_than_cells_is_refused():
    with pytest.raises(InvalidValueError, match=r"at most 75, the cells of 3 lattices; got 150"):
        sample_landmarks(lattices(3), CONFIG, seed=0)
