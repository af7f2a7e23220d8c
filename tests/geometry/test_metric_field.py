import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import metric_tensors
from geovq.geometry.footprint import colour_cells
from tests.geometry.decoders import GlobalDecoder, patch_decoder, transposed_conv_decoder

DECODERS = {"transposed-conv": transposed_conv_decoder(), "patches": patch_decoder(), "global": GlobalDecoder().eval()}


def orthonormal(rows: int, columns: int) -> Tensor:
    noise = torch.randn(rows, columns, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return torch.linalg.qr(noise)[0]


def random_lattices(n: int, channels: int, size: int) -> Tensor:
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def brute_force_metrics(decode: nn.Module, lattices: Tensor, basis: Tensor) -> Tensor:
    """From the full Jacobian by reverse mode, one lattice at a time."""
    n, _, height, width = lattices.shape
    result = lattices.new_empty(n, height, width, basis.shape[1], basis.shape[1])
    for i, lattice in enumerate(lattices):
        full = torch.autograd.functional.jacobian(lambda z: decode(z[None]).flatten(), lattice)  # (P, D, H, W)
        along = torch.einsum("pdhw,da->phwa", full, basis)
        result[i] = torch.einsum("phwa,phwb->hwab", along, along)
    return result


@pytest.mark.parametrize("name", DECODERS)
def test_coloured_products_equal_the_full_jacobian(name):
    lattices, basis = random_lattices(2, 3, 4), orthonormal(3, 2)
    expected = brute_force_metrics(DECODERS[name], lattices, basis)
    np.testing.assert_allclose(metric_tensors(DECODERS[name], lattices, basis), expected, rtol=1e-7, atol=1e-12)


def test_seven_by_seven_lattices_with_a_full_basis_equal_the_full_jacobian():
    lattices, basis = random_lattices(1, 3, 7), torch.eye(3, dtype=torch.float64)
    decode = DECODERS["transposed-conv"]
    expected = brute_force_metrics(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices, basis), expected, rtol=1e-7, atol=1e-12)


def test_float32_tensors_agree_with_float64():
    lattices, basis = random_lattices(3, 3, 7), orthonormal(3, 2)
    exact = metric_tensors(transposed_conv_decoder(), lattices, basis)
    single = metric_tensors(transposed_conv_decoder().float(), lattices.float(), basis.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "spacing", "local"),
    [("transposed-conv", 7, (3, 3), True), ("patches", 7, (1, 1), True), ("global", 4, (4, 4), False)],
)
def test_colouring_finds_the_footprint(name, size, spacing, local):
    colouring = colour_cells(DECODERS[name], random_lattices(1, 3, size)[0])
    assert colouring.spacing == spacing
    assert colouring.is_local == local


def test_footprint_of_an_inner_cell_of_the_transposed_conv_decoder_is_12_by_12():
    footprint = colour_cells(DECODERS["transposed-conv"], random_lattices(1, 3, 7)[0]).footprints[24].reshape(28, 28)
    rows, columns = footprint.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 19, 8, 19)
    assert footprint.sum() == 144


def test_cells_of_one_colour_share_no_pixel():
    colouring = colour_cells(DECODERS["transposed-conv"], random_lattices(1, 3, 7)[0])
    for colour in range(colouring.n_colours):
        assert colouring.footprints[colouring.colours == colour].sum(dim=0).max() <= 1


def test_a_decoder_that_hides_nan_gets_one_colour_per_cell_and_stays_exact():
    inner = DECODERS["transposed-conv"]

    def decode(lattices):
        return inner(torch.nan_to_num(lattices))

    lattices, basis = random_lattices(1, 3, 4), orthonormal(3, 2)
    assert not colour_cells(decode, lattices[0]).is_local
    np.testing.assert_allclose(
        metric_tensors(decode, lattices, basis), brute_force_metrics(inner, lattices, basis), rtol=1e-7, atol=1e-12
    )


def test_a_linear_decoder_has_the_same_metric_everywhere():
    layer = nn.ConvTranspose2d(2, 1, 4, stride=4, bias=False).double()
    columns = layer.weight.detach().reshape(2, -1).T  # (16 pixels, 2 channels): the Jacobian itself
    tensors = metric_tensors(layer.eval(), random_lattices(2, 2, 3), torch.eye(2, dtype=torch.float64))
    np.testing.assert_allclose(tensors, np.broadcast_to(columns.T @ columns, tensors.shape), rtol=1e-7)


def test_a_sphere_pulls_back_its_own_metric():
    def decode(lattices):  # one cell: colatitude and longitude of the unit sphere
        theta, phi = lattices[:, 0, 0, 0], lattices[:, 1, 0, 0]
        return torch.stack([theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()], dim=1)

    theta = torch.linspace(0.3, 2.5, 7, dtype=torch.float64)
    lattices = torch.stack([theta, 2 * theta], dim=1)[:, :, None, None]
    tensors = metric_tensors(decode, lattices, torch.eye(2, dtype=torch.float64))[:, 0, 0]
    expected = torch.diag_embed(torch.stack([torch.ones_like(theta), theta.sin() ** 2], dim=1))
    np.testing.assert_allclose(tensors, expected, rtol=1e-7, atol=1e-12)


def test_scaling_the_image_by_c_scales_the_metric_by_c_squared():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(2, 3, 4), orthonormal(3, 2)
    scaled = metric_tensors(lambda z: 3 * decode(z), lattices, basis)
    np.testing.assert_allclose(scaled, 9 * metric_tensors(decode, lattices, basis), rtol=1e-7)


def test_chunks_and_batches_change_nothing():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(5, 3, 7), orthonormal(3, 2)
    whole = metric_tensors(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices, basis, chunk_size=2), whole, rtol=1e-9)
    alone = torch.cat([metric_tensors(decode, row, basis) for row in lattices.split(1)])
    np.testing.assert_allclose(alone, whole, rtol=1e-9)


def test_tensors_are_symmetric_and_positive_semidefinite():
    tensors = metric_tensors(DECODERS["transposed-conv"], random_lattices(3, 3, 7), torch.eye(3, dtype=torch.float64))
    assert torch.equal(tensors, tensors.mT)
    assert torch.linalg.eigvalsh(tensors).min() > -1e-12


def test_bernoulli_geometry_weighs_pixels_by_their_variance():
    decode, lattices, basis = DECODERS["transposed-conv"], random_lattices(1, 3, 4), orthonormal(3, 2)
    tensors = metric_tensors(decode, lattices, basis, output_geometry="bernoulli")
    means = decode(lattices)[0].detach().flatten()
    full = torch.autograd.functional.jacobian(lambda z: decode(z[None]).flatten(), lattices[0])
    along = torch.einsum("pdhw,da->phwa", full, basis)
    weight = 1 / (means * (1 - means)).clamp_min(0.01)
    np.testing.assert_allclose(tensors[0], torch.einsum("phwa,p,phwb->hwab", along, weight, along), rtol=1e-7)


def test_bad_input_is_named():
    decode, lattices, basis = DECODERS["patches"], random_lattices(2, 3, 4), orthonormal(3, 2)
    with pytest.raises(InvalidValueError, match=r"orthonormal columns.*linalg\.qr"):
        metric_tensors(decode, lattices, 2 * basis)
    with pytest.raises(ShapeError, match="basis must have 3 rows"):
        metric_tensors(decode, lattices, orthonormal(4, 2))
    with pytest.raises(ShapeError, match=r"\(B, D, H, W\)"):
        metric_tensors(decode, lattices[0], basis)
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        metric_tensors(decode, lattices * torch.nan, basis)
    with pytest.raises(NonFiniteError, match="decoder returned NaN"):
        metric_tensors(lambda z: decode(z) * torch.nan, lattices, basis)
    with pytest.raises(InvalidValueError, match="'pixel' or 'bernoulli'"):
        metric_tensors(decode, lattices, basis, output_geometry="poisson")


def test_a_decoder_in_train_mode_is_refused():
    with pytest.raises(InvalidValueError, match=r"train mode; call \.eval\(\)"):
        metric_tensors(patch_decoder().train(), random_lattices(2, 3, 4), orthonormal(3, 2))


def test_a_decoder_that_mixes_rows_is_refused():
    decode = DECODERS["patches"]
    with pytest.raises(InvalidValueError, match="depends on the others in its batch"):
        metric_tensors(lambda z: decode(z - z.mean(dim=0)), random_lattices(3, 3, 4), orthonormal(3, 2))
