import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from geovq.errors import ShapeError
from geovq.evaluation import structural_similarity


def intensities(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def smooth(image):
    """Gaussian of deviation 1.5 cut at 5 pixels, at the places where all of it lies in the image."""
    return gaussian_filter(image, sigma=1.5, truncate=3.5)[5:-5, 5:-5]


def ssim_of_scipy(x, y):
    """Equation 13 of Wang et al. (2004), word by word."""
    mu_x, mu_y = smooth(x), smooth(y)
    var_x, var_y = smooth(x**2) - mu_x**2, smooth(y**2) - mu_y**2
    cov = smooth(x * y) - mu_x * mu_y
    c1, c2 = 0.01**2, 0.03**2
    return np.mean(((2 * mu_x * mu_y + c1) * (2 * cov + c2)) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2)))


@pytest.mark.parametrize("shape", [(28, 28), (11, 11), (13, 20)])
def test_it_is_the_published_formula_in_float64(shape):
    x, y = intensities(0, 3, 1, *shape), intensities(1, 3, 1, *shape)
    expected = [ssim_of_scipy(a, b) for a, b in zip(x[:, 0].numpy(), y[:, 0].numpy(), strict=True)]
    np.testing.assert_allclose(structural_similarity(x, y), expected, rtol=1e-7, atol=1e-12)
    nearly = (x + 0.1 * y) / 1.1
    expected = [ssim_of_scipy(a, b) for a, b in zip(x[:, 0].numpy(), nearly[:, 0].numpy(), strict=True)]
    np.testing.assert_allclose(structural_similarity(x, nearly), expected, rtol=1e-7)


def test_channels_count_equally():
    x, y = intensities(0, 2, 3, 12, 12), intensities(1, 2, 3, 12, 12)
    each = torch.stack([structural_similarity(x[:, [c]], y[:, [c]]) for c in range(3)])
    np.testing.assert_allclose(structural_similarity(x, y), each.mean(dim=0), rtol=1e-12)


def test_only_equal_images_reach_one():
    x, y = intensities(0, 5, 1, 28, 28), intensities(1, 5, 1, 28, 28)
    np.testing.assert_allclose(structural_similarity(x, x), 1.0, rtol=1e-12)
    assert (structural_similarity(x, 0.99 * x + 0.01 * y) < 1 - 1e-6).all()


def test_it_is_symmetric():
    x, y = intensities(0, 4, 1, 28, 28), intensities(1, 4, 1, 28, 28)
    np.testing.assert_allclose(structural_similarity(x, y), structural_similarity(y, x), rtol=1e-12)


def test_flat_images_differ_by_their_brightness_alone():
    """Without contrast the second factor is one, and the first is that of the two grey values."""
    black, grey = torch.zeros(1, 1, 14, 14, dtype=torch.float64), torch.full((1, 1, 14, 14), 0.5, dtype=torch.float64)
    np.testing.assert_allclose(structural_similarity(black, grey), 1e-4 / (0.25 + 1e-4), rtol=1e-7)


def test_a_picture_and_its_negative_are_anticorrelated():
    x = intensities(0, 1, 1, 28, 28)
    assert structural_similarity(x, 1 - x).item() < -0.5


def test_an_image_without_room_for_the_window_has_none():
    x = intensities(0, 2, 1, 10, 28)
    assert structural_similarity(x, x).isnan().all()
    assert structural_similarity(x, x).shape == (2,)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ShapeError, match=r"first and second must have the same four axes"):
        structural_similarity(intensities(0, 2, 1, 28, 28), intensities(0, 1, 1, 28, 28))
