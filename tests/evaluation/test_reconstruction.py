import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import reconstruction, structural_similarity


def intensities(n: int, seed: int) -> torch.Tensor:
    return torch.rand(n, 1, 5, 4, generator=torch.Generator().manual_seed(seed))


def test_errors_equal_those_of_torch_in_float64():
    images, means = intensities(6, 0), intensities(6, 1).clamp(0.01, 0.99)
    measured = reconstruction(images, means)
    x, p = images.double(), means.double()
    np.testing.assert_allclose(measured.mse, F.mse_loss(p, x).item(), rtol=1e-7)
    np.testing.assert_allclose(
        measured.bce_nats_per_image, F.binary_cross_entropy(p, x, reduction="sum").item() / 6, rtol=1e-7
    )
    per_image = F.binary_cross_entropy(p, x, reduction="none").sum(dim=(1, 2, 3))
    np.testing.assert_allclose(measured.per_image_bce_nats, per_image, rtol=1e-7)
    np.testing.assert_allclose(measured.bce_standard_error, per_image.std().item() / math.sqrt(6), rtol=1e-7)
    np.testing.assert_allclose(measured.per_image_mse, (x - p).square().mean(dim=(1, 2, 3)), rtol=1e-7)


@pytest.mark.parametrize(("offset", "psnr_db"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0)])
def test_psnr_falls_by_20_decibels_for_ten_times_the_error(offset, psnr_db):
    zeros = torch.zeros(2, 1, 3, 3, dtype=torch.float64)
    np.testing.assert_allclose(reconstruction(zeros, zeros + offset).psnr_db, psnr_db, atol=1e-12)


def test_a_guess_of_one_half_costs_ln_2_per_pixel_whatever_the_image():
    images = intensities(5, 0)
    measured = reconstruction(images, torch.full_like(images, 0.5))
    np.testing.assert_allclose(measured.per_image_bce_nats, 20 * math.log(2), rtol=1e-7)


def test_no_means_are_better_than_the_image_itself():
    """Gibbs: the cross-entropy is least, and equals the entropy of the pixels, where the means are the image."""
    images = intensities(50, 0)
    best = reconstruction(images, images)
    x = images.double()
    entropy = (torch.special.entr(x) + torch.special.entr(1 - x)).sum(dim=(1, 2, 3))
    np.testing.assert_allclose(best.per_image_bce_nats, entropy, rtol=1e-6)  # the clamp costs up to 1e-7 per pixel
    for seed in range(1, 4):
        assert (reconstruction(images, intensities(50, seed)).per_image_bce_nats > best.per_image_bce_nats).all()


def test_a_perfect_reconstruction_has_no_error_and_infinite_psnr():
    images = intensities(2, 0)
    measured = reconstruction(images, images)
    assert (measured.mse, measured.psnr_db) == (0.0, math.inf)


@pytest.mark.parametrize("batch_size", [2, 100])
def test_ssim_is_the_mean_over_the_images(batch_size):
    generator = torch.Generator().manual_seed(0)
    images, means = (torch.rand(5, 1, 28, 28, generator=generator) for _ in range(2))
    measured = reconstruction(images, means, batch_size=batch_size)
    expected = structural_similarity(images, means)
    np.testing.assert_allclose(measured.per_image_ssim, expected, rtol=1e-12)
    np.testing.assert_allclose(measured.ssim, expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(measured.ssim_standard_error, expected.std() / math.sqrt(5), rtol=1e-12)
    assert reconstruction(images, images).ssim == pytest.approx(1.0, rel=1e-12)


def test_a_wholly_wrong_pixel_costs_what_the_clamp_allows():
    images = torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1)
    measured = reconstruction(images, 1 - images)
    np.testing.assert_allclose(measured.per_image_bce_nats, -math.log(1e-7), rtol=1e-7)
    assert measured.mse == 1.0


def test_the_clamp_leaves_the_squared_error_alone():
    images = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    assert reconstruction(images, images + 1e-9).mse == 1e-18


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_nothing(batch_size):
    images, means = intensities(7, 0), intensities(7, 1)
    whole, parts = reconstruction(images, means), reconstruction(images, means, batch_size=batch_size)
    np.testing.assert_array_equal(parts.per_image_mse, whole.per_image_mse)
    np.testing.assert_allclose(parts.per_image_bce_nats, whole.per_image_bce_nats, rtol=1e-12)


def test_the_order_of_the_images_changes_no_mean():
    images, means = intensities(9, 0), intensities(9, 1)
    order = torch.arange(8, -1, -1)
    forward, backward = reconstruction(images, means), reconstruction(images[order], means[order])
    np.testing.assert_array_equal(backward.per_image_mse, forward.per_image_mse[::-1])
    np.testing.assert_allclose(backward.bce_nats_per_image, forward.bce_nats_per_image, rtol=1e-12)


def test_means_with_a_graph_are_accepted():
    images = intensities(2, 0)
    assert reconstruction(images, intensities(2, 1).requires_grad_()).per_image_mse.dtype == np.float64


def test_the_summary_is_plain_numbers():
    summary = reconstruction(intensities(3, 0), intensities(3, 1)).summary()
    assert list(summary) == [
        "n_images",
        "mse",
        "mse_standard_error",
        "psnr_db",
        "ssim",
        "ssim_standard_error",
        "bce_nats_per_image",
        "bce_standard_error",
    ]
    assert {type(value) for value in summary.values()} == {int, float}


def test_shapes_that_differ_are_refused():
    with pytest.raises(ShapeError, match=r"images and means .* got \(3, 1, 5, 4\) and \(2, 1, 5, 4\)"):
        reconstruction(intensities(3, 0), intensities(2, 0))


def test_bytes_are_refused_with_a_hint():
    images = intensities(2, 0)
    with pytest.raises(InvalidValueError, match=r"images must be intensities in \[0, 1\]; got 0 to 255. Divide bytes"):
        reconstruction(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1), images[:, :, :1, :1])


def test_logits_are_refused_with_a_hint():
    images = intensities(2, 0)
    with pytest.raises(InvalidValueError, match=r"means must be intensities .* pass logits through a sigmoid"):
        reconstruction(images, images - 2)


def test_pixels_that_are_not_finite_are_refused():
    images = intensities(2, 0)
    with pytest.raises(NonFiniteError, match="means must be finite; 40 of 40"):
        reconstruction(images, images * math.nan)


def test_a_batch_size_of_nothing_is_refused():
    with pytest.raises(InvalidValueError, match="batch_size must be at least 1; got -1"):
        reconstruction(intensities(2, 0), intensities(2, 1), batch_size=-1)
