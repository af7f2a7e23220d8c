import numpy as np
import pytest
import torch

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import sample_landmarks
from geovq.geometry.landmarks import draw_images
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


def test_the_sample_says_which_images_its_lattices_are_of():
    sample = sample_landmarks(lattices(), CONFIG, seed=0)
    assert sample.image_indices.tolist() == sorted(set(sample.image_indices.tolist()))
    assert torch.equal(sample.lattices, lattices()[sample.image_indices])


def test_images_that_were_drawn_already_are_not_drawn_again():
    chosen = draw_images(40, CONFIG.n_images, seed=5)
    sample = sample_landmarks(
        lattices()[chosen], CONFIG.model_copy(update={"n_images": 8}), seed=0, image_indices=chosen
    )
    assert torch.equal(sample.lattices, lattices()[chosen])
    assert torch.equal(sample.image_indices, chosen)
    with pytest.raises(ShapeError, match=r"image_indices must be \(40,\), one per lattice; got \(20,\)"):
        sample_landmarks(lattices(), CONFIG, seed=0, image_indices=chosen)


def test_seed_decides_the_sample():
    first, again, other = (sample_landmarks(lattices(), CONFIG, seed=s) for s in (0, 0, 1))
    assert torch.equal(first.landmark_indices, again.landmark_indices)
    assert not torch.equal(first.landmark_indices, other.landmark_indices)


def test_more_landmarks_than_cells_is_refused():
    with pytest.raises(InvalidValueError, match=r"at most 75, the cells of 3 lattices; got 150"):
        sample_landmarks(lattices(3), CONFIG, seed=0)


def test_duplicates_are_allowed_and_counted():
    repeated = lattices(4)
    repeated[:, :, :2] = 0.5  # the upper 2 of 5 rows are one and the same cell
    everything = CONFIG.model_copy(update={"n_landmarks": 100})
    sample = sample_landmarks(repeated, everything, seed=0)
    assert sample.n_duplicates == 4 * 10 - 1
    assert sample_landmarks(lattices(4), everything, seed=0).n_duplicates == 0


def test_every_cell_may_be_a_landmark():
    sample = sample_landmarks(lattices(6), CONFIG, seed=0)
    assert sample.landmark_indices.tolist() == list(range(150))


def test_bad_input_is_named():
    with pytest.raises(InvalidValueError, match=r"posterior collapse.*lower vae\.beta"):
        sample_landmarks(torch.ones(20, 3, 5, 5), CONFIG, seed=0)
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        sample_landmarks(lattices() / 0, CONFIG, seed=0)
    with pytest.raises(InvalidValueError, match=r"float32 or float64.*got int64"):
        sample_landmarks(lattices().long(), CONFIG, seed=0)
    with pytest.raises(ShapeError, match="at least one lattice"):
        sample_landmarks(lattices(0), CONFIG, seed=0)
