import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geovq.catalogue.output_geometries import VARIANCE_FLOOR
from geovq.errors import Cancelled, DeviceError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import metric_tensors
from geovq.geometry.metric.field import _fitting_chunk, measure_field
from tests.geometry.decoders import (
    GlobalDecoder,
    SmallMemory,
    patch_decoder,
    strided_decoder,
    transposed_conv_decoder,
)
from tests.geometry.listeners import Listener

PIXEL_MEANS = {  # all of them end in [0, 1]
    "transposed-conv": transposed_conv_decoder(),
    "patches": nn.Sequential(patch_decoder(), nn.Sigmoid()).eval(),
    "global": nn.Sequential(GlobalDecoder(), nn.Sigmoid()).eval(),
}


def orthonormal(rows: int, columns: int) -> Tensor:
    noise = torch.randn(rows, columns, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return torch.linalg.qr(noise)[0]


def random_lattices(n: int, channels: int, height: int, width: int | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(n, channels, height, width or height, generator=generator, dtype=torch.float64)


def brute_force_metrics(decode, lattices: Tensor, basis: Tensor, bernoulli: bool = False) -> Tensor:
    """From the full Jacobian by reverse mode, one lattice at a time."""
    n, _, height, width = lattices.shape
    result = lattices.new_empty(n, height, width, basis.shape[1], basis.shape[1])
    for i, lattice in enumerate(lattices):
        full = torch.autograd.functional.jacobian(lambda z: decode(z[None]).flatten(), lattice)  # (P, D, H, W)
        along = torch.einsum("pdhw,da->phwa", full, basis)
        means = decode(lattice[None]).detach().flatten()
        weight = 1 / (means * (1 - means)).clamp_min(0.01) if bernoulli else torch.ones_like(means)
        result[i] = torch.einsum("phwa,p,phwb->hwab", along, weight, along)
    return result


@pytest.mark.parametrize("output_geometry", ["pixel", "bernoulli"])
@pytest.mark.parametrize("name", PIXEL_MEANS)
def test_coloured_products_equal_the_full_jacobian(name, output_geometry):
    decode, lattices, basis = PIXEL_MEANS[name], random_lattices(2, 3, 4), orthonormal(3, 2)
    expected = brute_force_metrics(decode, lattices, basis, bernoulli=output_geometry == "bernoulli")
    tensors = metric_tensors(decode, lattices, basis, output_geometry=output_geometry)
    np.testing.assert_allclose(tensors, expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_any_stride_and_kernel_on_oblong_lattices_equal_the_full_jacobian(stride, kernel):
    decode, lattices, basis = strided_decoder(stride, kernel), random_lattices(1, 3, 4, 7), orthonormal(3, 2)
    expected = brute_force_metrics(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices, basis), expected, rtol=1e-7, atol=1e-12)


def test_seven_by_seven_lattices_with_a_full_basis_equal_the_full_jacobian():
    lattices, basis = random_lattices(1, 3, 7), torch.eye(3, dtype=torch.float64)
    decode = PIXEL_MEANS["transposed-conv"]
    expected = brute_force_metrics(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices, basis), expected, rtol=1e-7, atol=1e-12)


def test_a_decoder_that_hides_nan_stays_exact():
    inner, lattices, basis = PIXEL_MEANS["transposed-conv"], random_lattices(1, 3, 4), orthonormal(3, 2)
    tensors = metric_tensors(lambda z: inner(torch.nan_to_num(z)), lattices, basis)
    np.testing.assert_allclose(tensors, brute_force_metrics(inner, lattices, basis), rtol=1e-7, atol=1e-12)


def test_float32_tensors_agree_with_float64():
    lattices, basis = random_lattices(3, 3, 7), orthonormal(3, 2)
    exact = metric_tensors(transposed_conv_decoder(), lattices, basis)
    single = metric_tensors(transposed_conv_decoder().float(), lattices.float(), basis)  # the basis may stay float64
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, exact, rtol=1e-4, atol=1e-5)


def test_a_linear_decoder_has_the_same_metric_everywhere():
    layer = nn.ConvTranspose2d(2, 1, 4, stride=4, bias=False).double()
    columns = layer.weight.detach().reshape(2, -1).T  # (16 pixels, 2 channels): the Jacobian itself
    tensors = metric_tensors(layer.eval(), random_lattices(2, 2, 3), torch.eye(2, dtype=torch.float64))
    np.testing.assert_allclose(tensors, (columns.T @ columns).expand(tensors.shape), rtol=1e-7)


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
    decode, lattices, basis = PIXEL_MEANS["transposed-conv"], random_lattices(2, 3, 4), orthonormal(3, 2)
    scaled = metric_tensors(lambda z: 3 * decode(z), lattices, basis)
    np.testing.assert_allclose(scaled, 9 * metric_tensors(decode, lattices, basis), rtol=1e-7)


def test_turning_the_basis_turns_the_metric():
    decode, lattices = PIXEL_MEANS["transposed-conv"], random_lattices(2, 3, 4)
    turn = orthonormal(3, 3)
    plain, turned = metric_tensors(decode, lattices, torch.eye(3)), metric_tensors(decode, lattices, turn)
    np.testing.assert_allclose(turned, turn.T @ plain @ turn, rtol=1e-7, atol=1e-12)


def test_the_fisher_information_of_a_logit_is_the_pixels_variance_until_the_pixel_saturates():
    """One pixel f = sigmoid(z): J = f (1 - f), so G = J^2 / max(f (1 - f), 0.01)."""
    z = torch.linspace(-9, 9, 25, dtype=torch.float64)
    tensors = metric_tensors(torch.sigmoid, z[:, None, None, None], torch.eye(1), output_geometry="bernoulli")
    variance = z.sigmoid() * (1 - z.sigmoid())
    saturated = variance < VARIANCE_FLOOR
    assert 5 < saturated.sum() < 20
    expected = torch.where(saturated, variance**2 / 0.01, variance)
    np.testing.assert_allclose(tensors.flatten(), expected, rtol=1e-7)


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_chunks_change_nothing(chunk_size):
    decode, lattices, basis = PIXEL_MEANS["transposed-conv"], random_lattices(5, 3, 5), orthonormal(3, 2)
    whole = metric_tensors(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices, basis, chunk_size=chunk_size), whole, rtol=1e-9)


def test_the_order_and_the_company_of_lattices_change_nothing():
    decode, lattices, basis = PIXEL_MEANS["transposed-conv"], random_lattices(4, 3, 5), orthonormal(3, 2)
    whole = metric_tensors(decode, lattices, basis)
    np.testing.assert_allclose(metric_tensors(decode, lattices.flip(0), basis), whole.flip(0), rtol=1e-9)
    alone = torch.cat([metric_tensors(decode, row, basis) for row in lattices.split(1)])
    np.testing.assert_allclose(alone, whole, rtol=1e-9)


def test_tensors_are_symmetric_and_positive_semidefinite():
    tensors = metric_tensors(PIXEL_MEANS["transposed-conv"], random_lattices(3, 3, 7), torch.eye(3))
    assert torch.equal(tensors, tensors.mT)
    assert torch.linalg.eigvalsh(tensors).min() > -1e-12


def test_nothing_keeps_the_graph_of_the_decoder():
    lattices = random_lattices(2, 3, 4).requires_grad_()
    assert not metric_tensors(PIXEL_MEANS["patches"], lattices, orthonormal(3, 2)).requires_grad


@pytest.mark.parametrize(("name", "spacing", "footprint"), [("patches", (1, 1), (4, 4)), ("global", (4, 4), (1, 30))])
def test_a_field_says_how_it_was_coloured(name, spacing, footprint):
    field = measure_field(PIXEL_MEANS[name], random_lattices(1, 3, 4), orthonormal(3, 2))
    assert (field.colouring.n_cells, field.colouring.spacing, field.colouring.footprint) == (16, spacing, footprint)


def test_a_gpu_with_more_free_memory_takes_larger_chunks_up_to_a_limit(monkeypatch):
    lattices = random_lattices(1, 3, 7).float()

    def chunk_with(free_bytes):
        monkeypatch.setattr("geovq.geometry.metric.field.memory_budget", lambda device, cpu_bytes: free_bytes)
        return _fitting_chunk(lattices, 4 * 784)

    chunks = [chunk_with(free) for free in (0, 10**7, 10**8, 10**11, 10**12)]
    assert chunks[0] == 1
    assert chunks[0] < chunks[1] < chunks[2] < chunks[3] == chunks[4]


def test_chunks_that_do_not_fit_are_halved_and_said_once():
    inner, lattices, basis = PIXEL_MEANS["patches"], random_lattices(13, 3, 4), orthonormal(3, 2)
    listener, small = Listener(), SmallMemory(inner, capacity=3)
    tensors = metric_tensors(small, lattices, basis, chunk_size=12, progress=listener)
    np.testing.assert_allclose(tensors, metric_tensors(inner, lattices, basis), rtol=1e-9)
    assert listener.phases == [("metric field", 13, "lattices")]
    assert listener.advances == [3, 3, 3, 3, 1]
    assert listener.notes == ["metric field: 12 lattices at once did not fit into memory; going on with fewer."]


def test_a_lattice_that_does_not_fit_alone_is_an_error(monkeypatch):
    def out_of_memory(*_):  # the probes, which differentiate nothing, still fit
        raise torch.OutOfMemoryError

    monkeypatch.setattr("geovq.geometry.metric.field._pushforwards", out_of_memory)
    with pytest.raises(DeviceError, match="metric field: not even one of the 4 lattices fits into the memory"):
        metric_tensors(PIXEL_MEANS["patches"], random_lattices(4, 3, 4), orthonormal(3, 2))


def test_a_stop_is_seen_between_chunks():
    listener = Listener(stop_after=1)
    with pytest.raises(Cancelled):
        metric_tensors(
            PIXEL_MEANS["patches"], random_lattices(4, 3, 4), orthonormal(3, 2), chunk_size=2, progress=listener
        )
    assert sum(listener.advances) == 2


def test_bad_input_is_named():
    decode, lattices, basis = PIXEL_MEANS["patches"], random_lattices(2, 3, 4), orthonormal(3, 2)
    with pytest.raises(InvalidValueError, match=r"orthonormal columns.*linalg\.qr"):
        metric_tensors(decode, lattices, 2 * basis)
    with pytest.raises(ShapeError, match="basis must have 3 rows"):
        metric_tensors(decode, lattices, orthonormal(4, 2))
    with pytest.raises(InvalidValueError, match="'pixel' or 'bernoulli'; got 'poisson'"):
        metric_tensors(decode, lattices, basis, output_geometry="poisson")
    with pytest.raises(InvalidValueError, match="at least 1 lattice; got 0"):
        metric_tensors(decode, lattices, basis, chunk_size=0)
    with pytest.raises(InvalidValueError, match=r"train mode; call \.eval\(\)"):
        metric_tensors(patch_decoder().train(), lattices, basis)
    with pytest.raises(InvalidValueError, match=r"needs pixel means in \[0, 1\]; the decoder returned .* sigmoid"):
        metric_tensors(lambda z: decode(z) - 1, lattices, basis, output_geometry="bernoulli")


def test_an_output_that_is_not_finite_is_found_wherever_it_is():
    decode, lattices = PIXEL_MEANS["patches"], random_lattices(9, 3, 4)
    lattices[8] = 50

    def breaks_at_50(z):
        return decode(z) / (z.flatten(1).amax(dim=1) < 50).to(z.dtype)[:, None, None, None]

    with pytest.raises(NonFiniteError, match="NaN or infinity for some of the lattices; leave those out"):
        metric_tensors(breaks_at_50, lattices, orthonormal(3, 2))


def test_a_derivative_that_is_not_finite_is_named():
    with pytest.raises(NonFiniteError, match=r"derivative is NaN or infinite.*a square root or logarithm at 0"):
        metric_tensors(lambda z: z.abs().sqrt(), torch.zeros(2, 1, 2, 2), torch.eye(1))
