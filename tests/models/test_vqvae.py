import pytest
import torch

from geovq.config import VQVAEConfig
from geovq.models import LatticeVQVAE, PlainVQVAE, initialised
from geovq.randomness import make_generator
from tests.shapes import TRUNK


@pytest.mark.parametrize("vqvae", [LatticeVQVAE, PlainVQVAE])
def test_reconstruction_goes_through_the_nearest_codes(vqvae):
    model = initialised(lambda: vqvae(VQVAEConfig(latent_channels=3, width=4), 5, *TRUNK), seed=0, stream="test")
    images = torch.rand(4, 1, 28, 28, generator=make_generator(0, "images"))
    with torch.no_grad():
        model.quantizer(model.encode(images), make_generator(0, "start"))
        model.eval()
        lattices = model.encode(images)
        tokens = model.quantizer.encode(lattices)
        assert model.codebook.shape == (model.n_codes, 3) == (5, 3)
        assert tokens.shape == (4, 7, 7)
        codes = model.codebook[tokens].permute(0, 3, 1, 2)
        torch.testing.assert_close(model(images), model.decode(codes))
        torch.testing.assert_close(model.decode(codes), model.decode_logits(codes).sigmoid())


def test_the_two_start_equal_outside_the_codebook():
    config = VQVAEConfig(latent_channels=3, width=4)
    first, second = (
        initialised(lambda v=v: v(config, 5, *TRUNK), 0, "test").state_dict() for v in (LatticeVQVAE, PlainVQVAE)
    )
    shared = [name for name in second if not name.startswith("quantizer.")]
    assert {name for name in first if not name.startswith("quantizer.")} == set(shared)
    assert all(torch.equal(first[name], second[name]) for name in shared)
