import numpy as np
import pytest
import torch
from torch import nn

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import active_subspace
from geovq.geometry.curves.cell_context import cell_in_context
from geovq.geometry.worlds import WORLDS
from geovq.lattice import cells_of
from tests.geometry.decoders import GlobalDecoder, patch_decoder, transposed_conv_decoder

WHOLE = (slice(0, 7), slice(0, 7))


def random_lattice(size=7, seed=0):
    return torch.randn(3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def subspace_of(lattice, n_active=2):
    found = active_subspace(cells_of(lattice[None]), 0.0)
    return type(found)(found.mean, found.basis[:, :n_active], found.variances)


def context_of(decoder, position, size=7):
    lattice = random_lattice(size)
    return cell_in_context(decoder, lattice, position, subspace_of(lattice))


def points(n=5):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


@pytest.mark.parametrize(
    ("position", "rows", "columns"),
    [((3, 3), (8, 20), (8, 20)), ((0, 0), (0, 8), (0, 8)), ((6, 2), (20, 28), (4, 16))],
)
def test_the_footprint_holds_all_that_the_cell_changes(position, rows, columns):
    decoder = transposed_conv_decoder()
    context = context_of(decoder, position)
    assert context.footprint == (slice(*rows), slice(*columns))
    lattice = context.lattice.repeat(5, 1, 1, 1)
    lattice[:, :, position[0], position[1]] = context.subspace.lift(points())
    expected = decoder(lattice).detach()
    np.testing.assert_allclose(context.images(points()).detach(), expected, rtol=1e-9)
    np.testing.assert_allclose(context(points()).detach(), expected[:, :, slice(*rows), slice(*columns)], rtol=1e-9)
    expected[:, :, slice(*rows), slice(*columns)] = 0
    np.testing.assert_allclose(expected, expected[:1].expand_as(expected), rtol=1e-9)


@pytest.mark.parametrize(("position", "n_rows", "n_columns"), [((3, 3), 5, 5), ((0, 6), 3, 3), ((1, 3), 4, 5)])
def test_only_the_cells_that_the_footprint_sees_are_decoded(position, n_rows, n_columns):
    seen = []

    def decoder(lattices):
        seen.append(lattices.shape[2:])
        return transposed_conv_decoder()(lattices)

    context = context_of(decoder, position)
    context(points())
    assert seen[-1] == (n_rows, n_columns)


def test_the_jacobian_is_that_of_the_whole_image():
    context = context_of(transposed_conv_decoder(), (2, 4))
    y = points(1)[0]
    cropped, whole = (
        torch.autograd.functional.jacobian(lambda y, f=f: f(y[None])[0], y) for f in (context, context.images)
    )
    np.testing.assert_allclose(cropped, whole[:, *context.footprint], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(whole.square().sum(), cropped.square().sum(), rtol=1e-9)


def test_its_own_point_gives_the_image_of_the_lattice():
    lattice = random_lattice()
    context = cell_in_context(transposed_conv_decoder(), lattice, (4, 1), subspace_of(lattice, n_active=3))
    expected = transposed_conv_decoder()(lattice[None]).detach()
    np.testing.assert_allclose(context.images(context.point[None]).detach(), expected, rtol=1e-4)  # float32 basis


class _Tilted(nn.Module):
    """A local decoder that knows where in the lattice a cell is."""

    def forward(self, lattices):
        return patch_decoder()(lattices * torch.linspace(1, 2, lattices.shape[3], dtype=lattices.dtype))


class _OfOneSize(nn.Module):
    def forward(self, lattices):
        return transposed_conv_decoder()(lattices + torch.ones(3, 7, 7, dtype=lattices.dtype))


class _GlobalImages(GlobalDecoder):
    def forward(self, lattices):
        return super().forward(lattices).reshape(-1, 1, 5, 6)


class _HidesNaN(nn.Module):
    def forward(self, lattices):
        return transposed_conv_decoder()(torch.nan_to_num(lattices))


@pytest.mark.parametrize(
    "decoder", [_Tilted(), _OfOneSize(), _GlobalImages(size=7), _HidesNaN()], ids=lambda d: type(d).__name__
)
def test_a_decoder_that_cannot_be_cropped_is_given_the_whole_lattice(decoder):
    context = context_of(decoder.eval(), (2, 5))
    assert context.neighbourhood == WHOLE
    expected = context.images(points())[:, :, *context.footprint].detach()
    np.testing.assert_allclose(context(points()).detach(), expected, rtol=1e-9)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_a_cell_of_a_world_is_one_point(world):
    lattice = world.sample(1, height=3, width=3)[0].double()
    cells = cells_of(lattice[None])
    context = cell_in_context(world.decode, lattice, (1, 2), active_subspace(cells, 0.0))
    assert context.neighbourhood == (slice(1, 2), slice(2, 3))
    expected = world.embed(cells)
    np.testing.assert_allclose(context(context.subspace.project(cells))[:, :, 0, 0], expected, rtol=1e-4, atol=1e-4)


def test_bad_input_is_named():
    lattice = random_lattice()
    subspace, decoder = subspace_of(lattice), patch_decoder()
    with pytest.raises(ShapeError, match=r"\(D, H, W\), one image's"):
        cell_in_context(decoder, lattice[None], (0, 0), subspace)
    with pytest.raises(InvalidValueError, match=r"cell of the 7 by 7 lattice; got \(7, 0\)"):
        cell_in_context(decoder, lattice, (7, 0), subspace)
    with pytest.raises(InvalidValueError, match="train mode"):
        cell_in_context(patch_decoder().train(), lattice, (0, 0), subspace)
    with pytest.raises(InvalidValueError, match="depends on the others in its batch"):
        cell_in_context(lambda z: decoder(z - z.mean(dim=0)), lattice, (0, 0), subspace)
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        cell_in_context(decoder, lattice * torch.nan, (0, 0), subspace)
    with pytest.raises(ShapeError, match=r"must return images \(B, C, h, w\)"):
        cell_in_context(GlobalDecoder(size=7).eval(), lattice, (0, 0), subspace)
