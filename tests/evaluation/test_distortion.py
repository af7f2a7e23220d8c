import math

import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import distortion


def lattices_of_noise(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, 2, 3, 3, generator=torch.Generator().manual_seed(seed))


def linear_decoder(n_pixels: int) -> tuple[torch.Tensor, object]:
    matrix = torch.randn(n_pixels, 18, generator=torch.Generator().manual_seed(9))
    return matrix, lambda lattices: lattices.flatten(start_dim=1) @ matrix.T


def test_a_linear_decoder_distorts_by_the_quadratic_form_of_its_matrix():
    matrix, decode = linear_decoder(n_pixels=40)
    lattices, quantized = lattices_of_noise(7, 0), lattices_of_noise(7, 1)
    steps = (quantized - lattices).flatten(start_dim=1).double().numpy()
    gram = (matrix.T @ matrix).double().numpy()
    expected = np.einsum("ni,ij,nj->n", steps, gram, steps) / 40
    measured = distortion(decode, lattices, quantized)
    np.testing.assert_allclose(measured.per_image, expected, rtol=1e-4)
    np.testing.assert_allclose(measured.mean, expected.mean(), rtol=1e-4)
    np.testing.assert_allclose(measured.standard_error, expected.std(ddof=1) / math.sqrt(7), rtol=1e-4)


def test_an_image_that_is_off_by_one_half_everywhere_has_distortion_one_quarter():
    zeros = torch.zeros(3, 1, 2, 2)
    measured = distortion(lambda x: x.mean(dim=1, keepdim=True).expand(-1, 1, 2, 2), zeros, zeros + 0.5)
    assert measured.per_image.tolist() == [0.25] * 3
    assert (measured.mean, measured.standard_error) == (0.25, 0.0)


def test_a_perfect_tokenizer_has_no_distortion():
    _, decode = linear_decoder(n_pixels=5)
    lattices = lattices_of_noise(4, 0)
    assert distortion(decode, lattices, lattices.clone()).mean == 0


def test_distortion_is_symmetric_and_scales_with_the_square_of_the_contrast():
    _, decode = linear_decoder(n_pixels=30)
    a, b = lattices_of_noise(4, 0), lattices_of_noise(4, 1)
    forward = distortion(decode, a, b).per_image
    np.testing.assert_array_equal(distortion(decode, b, a).per_image, forward)
    np.testing.assert_array_equal(distortion(lambda x: 2 * decode(x), a, b).per_image, 4 * forward)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_the_batch_size_changes_nothing(batch_size):
    a, b = lattices_of_noise(5, 0).double(), lattices_of_noise(5, 1).double()
    whole, parts = distortion(torch.sigmoid, a, b), distortion(torch.sigmoid, a, b, batch_size=batch_size)
    np.testing.assert_allclose(parts.per_image, whole.per_image, rtol=1e-12)


def test_no_graph_is_kept_and_the_answer_is_float64():
    weight = torch.ones(1, requires_grad=True)
    a, b = lattices_of_noise(2, 0), lattices_of_noise(2, 1)
    assert distortion(lambda x: x * weight, a, b).per_image.dtype == np.float64
    assert weight.grad is None


def test_one_image_has_no_standard_error():
    a, b = lattices_of_noise(1, 0), lattices_of_noise(1, 1)
    assert math.isnan(distortion(torch.sigmoid, a, b).standard_error)


def test_the_summary_is_plain_numbers():
    a, b = lattices_of_noise(3, 0), lattices_of_noise(3, 1)
    measured = distortion(torch.sigmoid, a, b)
    summary = measured.summary()
    assert summary == {
        "n_images": 3,
        "distortion": measured.mean,
        "distortion_standard_error": measured.standard_error,
    }
    assert {type(value) for value in summary.values()} == {int, float}


def test_lattices_that_differ_in_shape_are_refused():
    with pytest.raises(ShapeError, match=r"same four axes .* got \(3, 2, 3, 3\) and \(2, 2, 3, 3\)"):
        distortion(torch.sigmoid, lattices_of_noise(3, 0), lattices_of_noise(2, 0))
    with pytest.raises(ShapeError, match="at least one row"):
        distortion(torch.sigmoid, lattices_of_noise(0, 0), lattices_of_noise(0, 0))


def test_a_decoder_that_mixes_rows_up_is_refused():
    with pytest.raises(ShapeError, match=r"one image per lattice; got \(1, 2, 3, 3\) for 3 lattices"):
        distortion(lambda x: x[:1], lattices_of_noise(3, 0), lattices_of_noise(3, 1))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_lattices_that_are_not_finite_are_refused(bad, which):
    pair = [lattices_of_noise(3, 0), lattices_of_noise(3, 1)]
    pair[which][1, 0, 2, 2] = bad
    with pytest.raises(NonFiniteError, match="lattices must be finite; 1 of 54 values"):
        distortion(torch.sigmoid, *pair)


def test_a_decoder_that_returns_nan_is_refused():
    with pytest.raises(NonFiniteError, match="decoded images must be finite"):
        distortion(lambda x: x * math.nan, lattices_of_noise(3, 0), lattices_of_noise(3, 1))


def test_a_batch_size_of_nothing_is_refused():
    with pytest.raises(InvalidValueError, match="batch_size must be at least 1; got 0"):
        distortion(torch.sigmoid, lattices_of_noise(3, 0), lattices_of_noise(3, 1), batch_size=0)
