"""Autoencoders whose latent is a lattice of codes, trained end to end with their codebook.

Same trunk as the VAE, so that they differ in the bottleneck only.

Source: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning".
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geovq.catalogue.datasets import ImageShape
from geovq.catalogue.fsq_levels import FSQ_LEVELS
from geovq.config import VQVAEConfig
from geovq.errors import InvalidValueError
from geovq.models.blocks import ConvDecoder, ConvEncoder
from geovq.models.ema_quantizer import EMAQuantizer
from geovq.models.fsq_quantizer import FSQuantizer
from geovq.models.gradient_quantizer import GradientQuantizer
from geovq.models.quantizer import Quantized, Quantizer
from geovq.models.simvq_quantizer import SimVQuantizer


class LatticeVQVAE(nn.Module):
    """Encoder to a (D, H, W) lattice, nearest-code quantizer, decoder to the means of Bernoulli pixels.

    Parameters
    ----------
    config : VQVAEConfig
        Latent channels, width and the quantizer's rates. `commitment` belongs to the objective.
    n_codes : int
        Codes K.
    image_shape : ImageShape
    n_halvings : int
        How often the encoder halves height and width of an image.
    """

    def __init__(self, config: VQVAEConfig, n_codes: int, image_shape: ImageShape, n_halvings: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = ConvEncoder(config.width, config.latent_channels, image_shape, n_halvings)
        self.decoder = ConvDecoder(config.latent_channels, config.width, image_shape.channels, n_halvings)
        self.quantizer = self._new_quantizer(n_codes)  # last: whatever it draws, the networks start the same

    def _new_quantizer(self, n_codes: int) -> Quantizer:
        config = self.config
        return EMAQuantizer(n_codes, config.latent_channels, decay=config.decay, restart_below=config.restart_below)

    @property
    def codebook(self) -> Float[Tensor, "K D"]:
        """Latent vector of every code."""
        return self.quantizer.codebook

    @property
    def n_codes(self) -> int:
        """Codes K."""
        return len(self.quantizer.codebook)

    def encode(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D H W"]:
        """Encoder outputs before quantization, where codes are compared with them."""
        return self.quantizer.bounded(self.encoder(images).float())

    def quantize(self, images: Float[Tensor, "B C h w"], generator: torch.Generator | None = None) -> Quantized:
        """Quantized lattices; in training mode the codes may learn, with draws from `generator`."""
        quantized: Quantized = self.quantizer(self.encoder(images).float(), generator)
        return quantized

    def decode_logits(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
        """Logits of the pixel means. The decoder has seen quantized lattices only."""
        logits: Tensor = self.decoder(lattices)
        return logits

    def decode(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
        """Pixel means, in [0, 1]."""
        return self.decode_logits(lattices).sigmoid()

    def decode_layers(self) -> tuple[nn.Module, ...]:
        """Layers of `decode`."""
        return self.decoder.mean_layers()

    def forward(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Reconstruction from the quantized lattice."""
        lattices = self.encode(images)
        return self.decode(self.quantizer.lookup(self.quantizer.encode(lattices)))


class PlainVQVAE(LatticeVQVAE):
    """The same, with a codebook that learns by gradient and whose unused codes are never restarted."""

    def _new_quantizer(self, n_codes: int) -> Quantizer:
        return GradientQuantizer(n_codes, self.config.latent_channels)


class SimVQVAE(LatticeVQVAE):
    """The same, with codes that are one learned map of a fixed basis."""

    def _new_quantizer(self, n_codes: int) -> Quantizer:
        return SimVQuantizer(n_codes, self.config.latent_channels)


class FSQVAE(LatticeVQVAE):
    """The same, with the fixed grid of finite scalar quantization, which decides the channels of the lattice.

    Parameters
    ----------
    config : VQVAEConfig
        `latent_channels` of the model's own `config` is the number of channels that have levels, whatever it is here.
    n_codes : int
        Codes K, one of `FSQ_LEVELS`.
    image_shape, n_halvings
        As in `LatticeVQVAE`.

    Raises
    ------
    InvalidValueError
        If no levels make that many codes.
    """

    def __init__(self, config: VQVAEConfig, n_codes: int, image_shape: ImageShape, n_halvings: int) -> None:
        if n_codes not in FSQ_LEVELS:
            known = ", ".join(map(str, FSQ_LEVELS))
            raise InvalidValueError(f"Finite scalar quantization has levels for {known} codes; got {n_codes}.")
        n_channels = len(FSQ_LEVELS[n_codes])
        super().__init__(config.model_copy(update={"latent_channels": n_channels}), n_codes, image_shape, n_halvings)

    def _new_quantizer(self, n_codes: int) -> Quantizer:
        return FSQuantizer(FSQ_LEVELS[n_codes])
