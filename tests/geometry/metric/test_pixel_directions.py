"""Pixel directions of linear decoders against closed forms; what they cost; what they need."""

import numpy as np
import pytest
import torch
from torch import nn

from geovq.errors import InvalidValueError, NonFiniteError
from geovq.geometry import active_subspace, metric_tensors, pixel_directions
from geovq.geometry.metric import pixel_directions as module
from geovq.lattice import cells_of, lattices_of


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def correlated_lattices(n_channels, n=60, size=4, seed=0):
    """Cells whose channels are correlated and have standard deviations from 0.1 to 10."""
    mixing = random(n_channels, n_channels, seed=seed + 1) * torch.logspace(-1, 1, n_channels)[:, None]
    cells = random(n * size * size, n_channels, seed=seed) @ mixing.T / n_channels**0.5
    return lattices_of(cells + 2.0, size, size)


def linear_decoder(jacobian):
    """Every cell paints pixels of its own, J z."""
    return lambda lattices: torch.einsum("pd,bdhw->bhwp", jacobian.to(lattices), lattices)


def exact(lattices, jacobian):
    """Covariance of the cells, mean metric, and the eigenvalues of Sigma E[G], all in float64."""
    cells = cells_of(lattices).double()
    covariance, metric = torch.cov(cells.T, correction=0), jacobian.double().T @ jacobian.double()
    return covariance, metric, torch.linalg.eigvals(covariance @ metric).real.sort(descending=True).values


@pytest.mark.parametrize("n_channels", [6, 40])  # by all directions, and by random probes
def test_a_linear_decoder_gives_the_closed_form(n_channels):
    lattices = correlated_lattices(n_channels)
    jacobian = random(9, n_channels, seed=5) * torch.logspace(0, -2, 9)[:, None]
    covariance, metric, values = exact(lattices, jacobian)
    for n_active in (1, 2, 4):
        frame = pixel_directions(linear_decoder(jacobian), lattices, residual_variance=0.0, max_active=n_active)
        assert frame.n_active == n_active
        lost = float(values[n_active:].sum() / values.sum())
        assert frame.residual_pixel_variance == pytest.approx(lost, rel=1e-3)
        # Left eigenvectors of Sigma E[G] span what is measured, right ones what is lifted.
        for matrix, found in ((metric @ covariance, frame.dual), (covariance @ metric, frame.basis)):
            span = torch.linalg.qr(found.double())[0]
            image = matrix @ span
            np.testing.assert_allclose(image, span @ (span.T @ image), atol=1e-3 * float(image.abs().max()))


def test_coordinates_and_rest_do_not_correlate_and_variances_are_theirs():
    lattices = correlated_lattices(7)
    frame = pixel_directions(linear_decoder(random(5, 7, seed=5)), lattices, residual_variance=0.0, max_active=3)
    cells = cells_of(lattices)
    points = frame.project(cells).double()
    rest = cells.double() - frame.lift(frame.project(cells)).double()
    covariance = torch.cov(torch.cat([points, rest], dim=1).T, correction=0)
    scale = float(covariance.diagonal().max())
    np.testing.assert_allclose(covariance[:3, :3], torch.diag(frame.variances[:3]), atol=1e-4 * scale)
    np.testing.assert_allclose(covariance[:3, 3:], 0, atol=1e-4 * scale)
    others = torch.linalg.eigvalsh(covariance[3:, 3:]).flip(0)[:4]
    np.testing.assert_allclose(frame.variances[3:], others, rtol=1e-3, atol=1e-5 * scale)
    np.testing.assert_allclose(frame.basis.T @ frame.basis, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(frame.dual.T @ frame.basis, np.eye(3), atol=1e-4)
    np.testing.assert_allclose(frame.project(frame.lift(frame.project(cells))), points, rtol=1e-3, atol=1e-3)


def test_a_channel_that_varies_most_and_paints_nothing_is_dropped_where_pca_keeps_it():
    cells = random(4_000, 4) * torch.tensor([1.0, 0.5, 20.0, 0.2])
    lattices = lattices_of(cells, 4, 4)
    jacobian = torch.eye(4)
    jacobian[2, 2] = 0
    principal = active_subspace(cells)
    assert principal.basis[2, 0].abs() > 0.999
    frame = pixel_directions(linear_decoder(jacobian), lattices)
    assert frame.n_active == 3
    np.testing.assert_allclose(frame.dual[2], 0, atol=1e-4)
    assert frame.residual_pixel_variance < 1e-6
    assert frame.residual_variance > 0.99


def test_cells_that_paint_over_each_other_give_the_mean_metric_of_single_cells():
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.ConvTranspose2d(5, 2, 4, stride=2, padding=1), nn.Sigmoid()).eval()
    lattices = correlated_lattices(5, n=200)
    cells = cells_of(lattices).double()
    metric = metric_tensors(decoder, lattices, torch.eye(5)).double().mean(dim=(0, 1, 2))
    frame = pixel_directions(decoder, lattices, residual_variance=0.0, max_active=2)
    covariance = torch.cov(cells.T, correction=0)

    def lost_by(projection):  # to first order, of one cell alone
        rest = torch.eye(5, dtype=torch.float64) - projection
        return float(torch.trace(rest.T @ metric @ rest @ covariance) / torch.trace(metric @ covariance))

    values = torch.linalg.eigvals(covariance @ metric).real.sort(descending=True).values
    least = float(values[2:].sum() / values.sum())
    # The signs leave a tenth or so of noise in what 200 lattices say.
    assert least <= lost_by(frame.basis.double() @ frame.dual.double().T) * (1 + 1e-6) < 1.2 * least


@pytest.mark.parametrize("n_channels", [64, 128, 512])
def test_products_do_not_grow_with_the_channels(n_channels, monkeypatch):
    counted = {"forwards": 0, "backwards": 0}
    pushforwards, pullbacks = module.pushforwards, module.pullbacks

    def forwards(decoder, lattices, tangents):
        counted["forwards"] += len(tangents) * len(lattices)
        return pushforwards(decoder, lattices, tangents)

    def backwards(decoder, lattices, pictures):
        counted["backwards"] += len(pictures) * len(lattices)
        return pullbacks(decoder, lattices, pictures)

    monkeypatch.setattr(module, "pushforwards", forwards)
    monkeypatch.setattr(module, "pullbacks", backwards)
    lattices = correlated_lattices(n_channels, n=20)
    jacobian = random(6, n_channels, seed=5) * torch.logspace(0, -1, 6)[:, None]
    frame = pixel_directions(linear_decoder(jacobian), lattices, max_active=10)
    assert counted == {"forwards": 20 * 18, "backwards": 20 * 18}
    assert frame.n_active <= 6  # pixels of a cell
    assert frame.residual_pixel_variance <= 0.001
    assert active_subspace(cells_of(lattices)).n_active > 16


def test_the_fewest_that_suffice_are_kept_and_never_more_than_asked_for():
    lattices, decoder = correlated_lattices(8), linear_decoder(random(8, 8, seed=5))
    frames = [pixel_directions(decoder, lattices, residual_variance=lost) for lost in (0.5, 0.1, 0.01, 0.0)]
    counts = [frame.n_active for frame in frames]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == 8
    for frame, lost in zip(frames[:-1], (0.5, 0.1, 0.01), strict=True):
        assert frame.residual_pixel_variance <= lost
    fewer = pixel_directions(decoder, lattices, residual_variance=0.01, max_active=frames[2].n_active - 1)
    assert fewer.n_active == frames[2].n_active - 1
    assert fewer.residual_pixel_variance > 0.01


def test_the_seed_decides_and_chunks_change_nothing(monkeypatch):
    torch.manual_seed(0)
    decoder = nn.ConvTranspose2d(30, 3, 4, stride=2, padding=1).eval()
    lattices = correlated_lattices(30)
    first, again, other = (pixel_directions(decoder, lattices, max_active=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.basis, again.basis)
    assert torch.equal(first.dual, again.dual)
    assert not torch.equal(first.basis, other.basis)
    monkeypatch.setattr(module, "_CPU_BYTES", 1)
    np.testing.assert_allclose(pixel_directions(decoder, lattices, max_active=3).basis, first.basis, atol=1e-3)


def test_the_output_geometry_decides_what_is_seen():
    # Pixel 1 is nearly saturated: a step of it is small in intensity and long by Fisher and Rao.
    def decode(lattices):
        means = torch.tensor([0.5, 0.985])[None, :, None, None]
        return means + lattices * torch.tensor([0.01, 0.005])[None, :, None, None]

    lattices = lattices_of(random(2_000, 2).clamp(-2, 2), 2, 2)
    strongest = {
        name: int(pixel_directions(decode, lattices, max_active=1, output_geometry=name).dual[:, 0].abs().argmax())
        for name in ("pixel", "bernoulli")
    }
    assert strongest == {"pixel": 0, "bernoulli": 1}


def test_bad_input_is_named():
    lattices, decoder = correlated_lattices(30), linear_decoder(random(3, 30))
    with pytest.raises(InvalidValueError, match=r"residual_variance must be in \[0, 1\); got 1.5"):
        pixel_directions(decoder, lattices, residual_variance=1.5)
    with pytest.raises(InvalidValueError, match="max_active must be at least 1 direction; got 0"):
        pixel_directions(decoder, lattices, max_active=0)
    with pytest.raises(InvalidValueError, match="posterior collapse"):
        pixel_directions(decoder, torch.zeros(3, 30, 4, 4))
    with pytest.raises(InvalidValueError, match="no direction is seen in it"):
        pixel_directions(lambda batch: 0 * batch, lattices)
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        pixel_directions(decoder, lattices * torch.nan)
    with pytest.raises(InvalidValueError, match=r"no backward pass.*geometry\.directions to pca"):
        pixel_directions(torch.no_grad()(decoder), lattices, max_active=4)
