"""The decoder half of an autoencoder on its own, such as a copy that was refitted to the codes of a tokenizer."""

from typing import Self

from jaxtyping import Float
from torch import Tensor, nn

from geovq.models.blocks import ConvDecoder
from geovq.models.initialisation import initialised
from geovq.models.vae import LatticeVAE
from geovq.models.vqvae import LatticeVQVAE


class LatticeDecoder(nn.Module):
    """Lattices to the means of Bernoulli pixels, as an autoencoder of this package decodes them.

    Parameters
    ----------
    latent_channels : int
        Channels D of a lattice.
    width : int
        Channels of the trunk's first stage, as in `VAEConfig`.
    n_channels : int
        Channels C of an image.
    n_halvings : int
        Of the autoencoder's encoder: how often height and width of a lattice are doubled.
    """

    def __init__(self, latent_channels: int, width: int, n_channels: int, n_halvings: int) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.width = width
        self.decoder = ConvDecoder(latent_channels, width, n_channels, n_halvings)

    @classmethod
    def of(cls, autoencoder: LatticeVAE | LatticeVQVAE) -> Self:
        """A copy of an autoencoder's decoder, on the CPU; training it leaves the autoencoder as it is."""
        config, original = autoencoder.config, autoencoder.decoder
        sizes = config.latent_channels, config.width, original.n_channels, original.n_halvings
        copied = initialised(lambda: cls(*sizes), seed=0, stream="overwritten at once")
        copied.decoder.load_state_dict(original.state_dict())
        return copied

    def decode_logits(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
        """Logits of the pixel means."""
        logits: Tensor = self.decoder(lattices)
        return logits

    def decode(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
        """Pixel means, in [0, 1]."""
        return self.decode_logits(lattices).sigmoid()

    def decode_layers(self) -> tuple[nn.Module, ...]:
        """Layers of `decode`."""
        return self.decoder.mean_layers()

    def forward(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
        """Pixel means, as `decode` gives them."""
        return self.decode(lattices)
