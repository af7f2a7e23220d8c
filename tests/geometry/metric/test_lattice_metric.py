import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geovq import lattice_metric, metric_tensors
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from tests.geometry.decoders import GlobalDecoder, patch_decoder, strided_decoder, transposed_conv_decoder
from tests.geometry.metric.test_field import orthonormal, random_lattices


def uneven_decoder() -> nn.Module:
    """Three rows and two columns of pixels per cell, which overlap in one direction more than in the other."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        layers = nn.Sequential(
            nn.Conv2d(3, 4, 1), nn.Tanh(), nn.ConvTranspose2d(4, 2, (4, 5), stride=(3, 2), padding=(1, 2)), nn.Sigmoid()
        )
    return layers.double().eval()


def clamped_decoder() -> nn.Module:
    """The border repeats its own cells, so that footprints at the edges are larger than inside."""
    with torch.random.fork_rng():
        torch.manual_seed(8)
        layers = nn.Sequential(
            nn.ReplicationPad2d(1), nn.Conv2d(3, 4, 3), nn.Tanh(), nn.ConvTranspose2d(4, 1, 4, stride=2), nn.Sigmoid()
        )
    return layers.double().eval()


DECODERS = {
    "transposed-conv": transposed_conv_decoder(),
    "strides 3 and 2": uneven_decoder(),
    "stride 3, kernel 5": strided_decoder(3, 5),
    "clamped edges": clamped_decoder(),
    "patches": nn.Sequential(patch_decoder(), nn.Sigmoid()).eval(),
    "global": nn.Sequential(GlobalDecoder(), nn.Sigmoid()).eval(),
}


def full_jacobians(decode, lattices: Tensor, basis: Tensor) -> Tensor:
    """By reverse mode, (n, P, L * A)."""
    rows = []
    for lattice in lattices:
        full = torch.autograd.functional.jacobian(lambda z: decode(z[None]).flatten(), lattice)  # (P, D, H, W)
        rows.append(torch.einsum("pdhw,da->phwa", full, basis).flatten(1))
    return torch.stack(rows)


@pytest.mark.parametrize("output_geometry", ["pixel", "bernoulli"])
@pytest.mark.parametrize("name", DECODERS)
def test_blocks_and_pulled_residuals_equal_the_full_jacobian(name, output_geometry):
    decode, lattices, basis = DECODERS[name], random_lattices(2, 3, 4), orthonormal(3, 2)
    with torch.no_grad():
        means = decode(lattices)
    images = torch.rand(means.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    metric = lattice_metric(decode, lattices, basis, images=images, output_geometry=output_geometry)
    jacobians = full_jacobians(decode, lattices, basis)
    weight = torch.ones_like(means)
    if output_geometry == "bernoulli":
        weight = 1 / (means * (1 - means)).clamp_min(0.01)
    weighted = jacobians * weight.flatten(1)[:, :, None]
    np.testing.assert_allclose(metric.dense(), weighted.mT @ jacobians, rtol=1e-7, atol=1e-12)
    pulled = (weighted.mT @ (images - means).flatten(1)[:, :, None]).reshape(2, 4, 4, 2)
    np.testing.assert_allclose(metric.pulled_residuals, pulled, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(metric.images, means, rtol=1e-9)


def test_oblong_lattices_with_a_full_basis_equal_the_full_jacobian():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(1, 3, 3, 8), torch.eye(3)
    jacobians = full_jacobians(decode, lattices, basis.double())
    metric = lattice_metric(decode, lattices, basis)
    np.testing.assert_allclose(metric.dense(), jacobians.mT @ jacobians, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", DECODERS)
def test_the_diagonal_is_the_metric_field(name):
    decode, lattices, basis = DECODERS[name], random_lattices(2, 3, 4), orthonormal(3, 2)
    metric = lattice_metric(decode, lattices, basis)
    np.testing.assert_allclose(metric.diagonal, metric_tensors(decode, lattices, basis), rtol=1e-7, atol=1e-12)


def test_the_linear_map_of_the_blocks_is_that_of_the_dense_matrix():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(3, 3, 5), orthonormal(3, 2)
    metric = lattice_metric(decode, lattices, basis)
    delta = torch.randn(3, 5, 5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = (metric.dense() @ delta.flatten(1)[:, :, None]).reshape(delta.shape)
    np.testing.assert_allclose(metric.apply(delta), expected, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(metric.quadratic(delta), (delta * expected).sum((1, 2, 3)), rtol=1e-7)


def test_the_quadratic_form_meets_the_decoded_change_with_a_third_order_error():
    """|f(q + t d) - f(q)|^2 = t^2 d^T M d + O(t^3): halving t divides the difference by eight."""
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(1, 3, 4), torch.eye(3).double()
    metric = lattice_metric(decode, lattices, basis)
    delta = torch.randn(1, 4, 4, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def difference(t: float) -> float:
        with torch.no_grad():
            moved = decode(lattices + t * delta.permute(0, 3, 1, 2))
        return float((moved - metric.images).square().sum() - metric.quadratic(t * delta)[0])

    errors = [difference(t) for t in (0.02, 0.01, 0.005)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 8.0, rtol=0.1)


def test_only_cells_with_common_pixels_have_blocks():
    """12 x 12 footprints on a stride of 4 meet up to two cells away; patches meet nobody."""
    decode, lattices = DECODERS["transposed-conv"], random_lattices(1, 3, 7)
    rows, columns = torch.arange(49) // 7, torch.arange(49) % 7
    near = ((rows[:, None] - rows).abs() <= 2) & ((columns[:, None] - columns).abs() <= 2)
    pairs = lattice_metric(decode, lattices, torch.eye(3)).pairs
    assert {tuple(pair) for pair in pairs.tolist()} == {tuple(pair) for pair in near.nonzero().tolist()}
    alone = lattice_metric(DECODERS["patches"], lattices, torch.eye(3)).pairs
    assert alone.tolist() == [[cell, cell] for cell in range(49)]


def test_one_lattice_gives_one_matrix():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(2, 3, 4), orthonormal(3, 2)
    images = torch.zeros(2, 1, 16, 16).double()
    batch = lattice_metric(decode, lattices, basis, images=images)
    one = lattice_metric(decode, lattices[1], basis, images=images[1])
    np.testing.assert_allclose(one.dense(), batch.dense()[1], rtol=1e-9)
    np.testing.assert_allclose(one.pulled_residuals, batch.pulled_residuals[1], rtol=1e-9)
    np.testing.assert_allclose(one.quadratic(torch.ones(4, 4, 2).double()), batch.dense()[1].sum(), rtol=1e-7)


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_chunks_change_nothing(chunk_size):
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(5, 3, 5), orthonormal(3, 2)
    whole = lattice_metric(decode, lattices, basis)
    parts = lattice_metric(decode, lattices, basis, chunk_size=chunk_size)
    np.testing.assert_allclose(parts.blocks, whole.blocks, rtol=1e-9, atol=1e-15)


def test_blocks_are_symmetric_and_positive_semidefinite():
    matrix = lattice_metric(DECODERS["transposed-conv"], random_lattices(2, 3, 5), torch.eye(3)).dense()
    np.testing.assert_allclose(matrix, matrix.mT, rtol=1e-9, atol=1e-15)
    assert torch.linalg.eigvalsh(matrix).min() > -1e-12


def test_nothing_keeps_the_graph_of_the_decoder():
    metric = lattice_metric(DECODERS["transposed-conv"], random_lattices(1, 3, 4), torch.eye(3))
    assert not metric.blocks.requires_grad
    assert not metric.images.requires_grad


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": torch.zeros(2, 1, 15, 16)}, ShapeError, "images must be those of the lattices"),
        ({"images": torch.zeros(1, 1, 16, 16)}, ShapeError, "images must be those of the lattices"),
        ({"images": torch.zeros(2, 1, 16, 16, dtype=torch.uint8)}, InvalidValueError, "floating-point"),
        ({"images": torch.full((2, 1, 16, 16), torch.nan)}, NonFiniteError, "images contain NaN"),
        ({"basis": torch.eye(4)}, ShapeError, "basis must have 3 rows"),
        ({"basis": torch.ones(3, 1)}, InvalidValueError, "orthonormal"),
        ({"output_geometry": "poisson"}, InvalidValueError, "'pixel' or 'bernoulli'"),
        ({"chunk_size": 0}, InvalidValueError, "chunk_size must be at least 1"),
        ({"lattices": torch.full((2, 3, 4, 4), torch.nan)}, NonFiniteError, "lattices contain NaN"),
    ],
)
def test_bad_input_is_named(change, error, message):
    arguments = {"lattices": random_lattices(2, 3, 4), "basis": torch.eye(3)} | change
    with pytest.raises(error, match=message):
        lattice_metric(DECODERS["transposed-conv"], **arguments)
