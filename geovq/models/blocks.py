"""The convolution trunk that VAE and VQ-VAE share: 28 by 28 images to 7 by 7 lattices and back.

Two properties carry the geometry. One lattice cell changes 12 by 12 pixels and no more: of the decoder's layers only
the two upsamplings and the last convolution have kernels wider than one pixel, and depth is bought with 1 by 1
convolutions. And rows of a batch never meet: there is no normalisation over the batch or over space. Activations are
smooth (SiLU), so that Jacobians are continuous.

Source: residual blocks before activation, He et al. (2016), "Identity Mappings in Deep Residual Networks".
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.errors import ShapeError

IMAGE_SIZE = 28  # pixels per side; two halvings give LATTICE_SIZE = 7 cells


class ConvEncoder(nn.Module):
    """Images to features of each lattice cell.

    Parameters
    ----------
    width : int
        Channels at 14 by 14; 7 by 7 has twice as many.
    n_features : int
        Channels that come out.
    """

    def __init__(self, width: int, n_features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=4, stride=2, padding=1),  # (B, width, 14, 14)
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, kernel_size=4, stride=2, padding=1),  # (B, 2 width, 7, 7)
            ResidualBlock(2 * width, kernel_size=3),
            nn.SiLU(),
            nn.Conv2d(2 * width, n_features, kernel_size=1),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on CPU than channels first

    def forward(self, images: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B F 7 7"]:
        """Features of every cell.

        Raises
        ------
        ShapeError
            If images are not (B, 1, 28, 28).
        """
        require_images(images)
        features: Tensor = self.layers(images)
        return features


class ConvDecoder(nn.Module):
    """Lattices to pixel logits.

    Parameters
    ----------
    latent_channels : int
        Channels D of a lattice.
    width : int
        As in the encoder: the stages have 4 width, 2 width and width / 2 channels.
    """

    def __init__(self, latent_channels: int, width: int) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.layers = nn.Sequential(
            nn.Conv2d(latent_channels, 4 * width, kernel_size=1),  # (B, 4 width, 7, 7)
            ResidualBlock(4 * width),
            nn.SiLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=4, stride=2, padding=1),  # (B, 2 width, 14, 14)
            ResidualBlock(2 * width),
            nn.SiLU(),
            nn.ConvTranspose2d(2 * width, width // 2, kernel_size=4, stride=2, padding=1),  # (B, width / 2, 28, 28)
            ResidualBlock(width // 2),  # depth at pixel resolution: cheap, and the step that gained most
            nn.SiLU(),
            nn.Conv2d(width // 2, 1, kernel_size=3, padding=1),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in the encoder

    def forward(self, lattices: Float[Tensor, "B D 7 7"]) -> Float[Tensor, "B 1 28 28"]:
        """Logits of the pixel means.

        Raises
        ------
        ShapeError
            If lattices are not (B, D, H, W) with this decoder's D.
        """
        if lattices.ndim != 4 or lattices.shape[1] != self.latent_channels:
            raise ShapeError(
                f"lattices must have shape (B, {self.latent_channels}, H, W), as this decoder was built for; "
                f"got {tuple(lattices.shape)}."
            )
        logits: Tensor = self.layers(lattices)
        return logits


class ResidualBlock(nn.Module):
    """`x + mix(act(convolve(act(x))))`, where `mix` is 1 by 1.

    Parameters
    ----------
    n_channels : int
        Channels throughout.
    kernel_size : int, default=1
        Odd side of the first convolution; 1 leaves the footprint as it is.
    """

    def __init__(self, n_channels: int, kernel_size: int = 1) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(n_channels, n_channels, kernel_size, padding=kernel_size // 2)
        self.mix = nn.Conv2d(n_channels, n_channels, kernel_size=1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Same shape in and out."""
        change: Tensor = self.mix(F.silu(self.convolve(F.silu(x))))
        return x + change


def require_images(images: Tensor) -> None:
    """Raise `ShapeError` unless images are (B, 1, 28, 28)."""
    if images.ndim != 4 or images.shape[1:] != (1, IMAGE_SIZE, IMAGE_SIZE):
        raise ShapeError(
            f"images must have shape (B, 1, {IMAGE_SIZE}, {IMAGE_SIZE}), grey values in [0, 1]; "
            f"got {tuple(images.shape)}."
        )
