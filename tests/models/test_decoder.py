import torch

from geovq.config import VAEConfig
from geovq.models import LatticeDecoder, LatticeVAE, initialised
from tests.shapes import TRUNK


@torch.no_grad()
def test_a_copy_decodes_as_its_autoencoder_and_is_trained_apart_from_it():
    vae = initialised(lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *TRUNK), seed=0, stream="test")
    lattices = torch.randn(5, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    expected = vae.decode(lattices)
    before = torch.get_rng_state()
    copied = LatticeDecoder.of(vae)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(copied.decode(lattices), expected)
    assert torch.equal(copied(lattices), expected)
    assert torch.equal(copied.decode_logits(lattices), vae.decode_logits(lattices))
    for parameter in copied.parameters():
        parameter.add_(1.0)
    assert torch.equal(vae.decode(lattices), expected)
    assert not torch.equal(copied.decode(lattices), expected)
