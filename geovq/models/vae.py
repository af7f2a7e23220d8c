"""Variational autoencoder whose latent is a lattice of independent Gaussian cells.

Source: Kingma, Welling (2014), "Auto-Encoding Variational Bayes".
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from geovq.catalogue.datasets import ImageShape
from geovq.config import VAEConfig
from geovq.models.blocks import ConvDecoder, ConvEncoder

# Standard deviations 0.0067 to 12. The KL term has no lower end in the variance and exp() has no upper one; trained
# models stay far inside, so the bounds matter for the first steps only.
MIN_LOGVAR, MAX_LOGVAR = -10.0, 5.0


class Posterior(NamedTuple):
    """q(lattice | image): independent Gaussians."""

    mean: Float[Tensor, "B D H W"]
    logvar: Float[Tensor, "B D H W"]  # log of the variance, in [MIN_LOGVAR, MAX_LOGVAR]

    def sample(self, noise: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        """One lattice per image from standard normal numbers, differentiable in mean and logvar."""
        return self.mean + (0.5 * self.logvar).exp() * noise

    def kl_nats(self) -> Float[Tensor, "B D H W"]:
        """KL(q || N(0, 1)) of each channel of each cell, in nats (Kingma and Welling 2014, appendix B)."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar)


class LatticeVAE(nn.Module):
    """Encoder to a (D, H, W) lattice of Gaussians, decoder to the means of Bernoulli pixels.

    Parameters
    ----------
    config : VAEConfig
        Latent channels and width. `beta` belongs to the objective.
    image_shape : ImageShape
    n_halvings : int
        How often the encoder halves height and width of an image.
    """

    def __init__(self, config: VAEConfig, image_shape: ImageShape, n_halvings: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = ConvEncoder(config.width, 2 * config.latent_channels, image_shape, n_halvings)
        self.decoder = ConvDecoder(config.latent_channels, config.width, image_shape.channels, n_halvings)

    def posterior(self, images: Float[Tensor, "B C h w"]) -> Posterior:
        """q(lattice | image). The log-variance is clamped to [MIN_LOGVAR, MAX_LOGVAR]."""
        mean, logvar = self.encoder(images).float().chunk(2, dim=1)
        return Posterior(mean, logvar.clamp(MIN_LOGVAR, MAX_LOGVAR))

    def encode(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D H W"]:
        """Posterior means."""
        return self.posterior(images).mean

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

    def forward(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Reconstruction from the posterior mean."""
        return self.decode(self.encode(images))
