import pytest
import torch

from geovq.catalogue.fsq_levels import FSQ_LEVELS
from geovq.config import VQVAEConfig
from geovq.errors import InvalidValueError
from geovq.models import FSQVAE, initialised
from geovq.models.fsq_quantizer import FSQuantizer
from geovq.randomness import make_generator
from geovq.tokenization import NearestCodeTokenizer
from tests.shapes import TRUNK

EVERY_LIST = pytest.mark.parametrize("levels", FSQ_LEVELS.values())


def features_of(levels, scale=2.0):
    return scale * torch.randn(50, len(levels), 4, 5, generator=make_generator(1, "features"))


@pytest.mark.parametrize(("n_codes", "levels"), FSQ_LEVELS.items())
def test_codes_are_all_combinations_of_evenly_spaced_levels(n_codes, levels):
    codebook = FSQuantizer(levels).codebook
    assert codebook.shape == (n_codes, len(levels))
    assert len(codebook.unique(dim=0)) == n_codes
    for channel, n_levels in zip(codebook.T, levels, strict=True):
        half = n_levels // 2
        expected = (torch.arange(n_levels) - half) / half
        torch.testing.assert_close(channel.unique(), expected)


def test_odd_levels_are_the_formula_of_the_paper():
    """Section 3.1: round(floor(L / 2) tanh(z)), here as multiples of 1 / floor(L / 2)."""
    features = features_of((5, 7))
    half = torch.tensor([2.0, 3.0])[:, None, None]
    # The package's range is 0.1 % wider, so only cells that close to a border may differ.
    scaled = half * features.tanh()
    clear = ((scaled - scaled.floor() - 0.5).abs() > 4e-3).all(dim=1)
    codes = FSQuantizer((5, 7))(features).lattices
    assert clear.float().mean() > 0.95
    expected = (scaled.round() / half).permute(0, 2, 3, 1)[clear]
    torch.testing.assert_close(codes.permute(0, 2, 3, 1)[clear], expected)


@EVERY_LIST
@pytest.mark.parametrize("scale", [0.1, 2.0, 50.0])
def test_the_nearest_point_of_the_grid_to_a_bounded_cell_is_what_the_package_rounds_to(levels, scale):
    quantizer = FSQuantizer(levels)
    features = features_of(levels, scale)
    rounded, lattices = quantizer(features), quantizer.bounded(features)
    assert torch.equal(quantizer.encode(lattices), rounded.tokens)
    assert torch.equal(NearestCodeTokenizer("fsq", quantizer.codebook).encode(lattices), rounded.tokens)
    torch.testing.assert_close(quantizer.lookup(rounded.tokens), rounded.lattices)


@EVERY_LIST
def test_the_gradient_is_that_of_the_bounded_lattice(levels):
    quantizer, weights = FSQuantizer(levels), features_of(levels, 1.0)
    features = features_of(levels).requires_grad_()
    (through,) = torch.autograd.grad((quantizer(features).lattices * weights).sum(), features)
    (bounded,) = torch.autograd.grad((quantizer.bounded(features) * weights).sum(), features)
    torch.testing.assert_close(through, bounded)
    assert through.abs().max() > 0


def test_levels_decide_the_channels_whatever_the_settings_say():
    model = initialised(lambda: FSQVAE(VQVAEConfig(latent_channels=16, width=4), 240, *TRUNK), 0, "test")
    images = torch.rand(2, 1, 28, 28, generator=make_generator(0, "images"))
    assert model.config.latent_channels == model.encode(images).shape[1] == 3
    assert torch.equal(model.quantize(images).tokens, model.quantizer.encode(model.encode(images)))


def test_a_number_of_codes_without_levels_is_refused():
    with pytest.raises(InvalidValueError, match="has levels for 16, 60, 240, 1000 codes; got 64"):
        FSQVAE(VQVAEConfig(), 64, *TRUNK)
