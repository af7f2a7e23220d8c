"""The convolution trunk that VAE and VQ-VAE share: images to lattices and back.

Two properties carry the geometry. One lattice cell changes a small square of pixels, 12 by 12 after two doublings: of
the decoder's layers only the doublings and the last convolution have kernels wider than one pixel, and depth is bought
with 1 by 1 convolutions. And rows of a batch never meet: there is no normalisation over the batch or over space.
Activations are smooth (SiLU), so that Jacobians are continuous.

Source: residual blocks before activation, He et al. (2016), "Identity Mappings in Deep Residual Networks".
"""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.catalogue.datasets import ImageShape
from geovq.errors import InvalidValueError, ShapeError


class ConvEncoder(nn.Module):
    """Images to features of each lattice cell.

    Parameters
    ----------
    width : int
        Channels after the first halving; every further one doubles them.
    n_features : int
        Channels that come out.
    image_shape : ImageShape
        Of the images that go in.
    n_halvings : int
        How often height and width are halved.

    Raises
    ------
    InvalidValueError
        If the images cannot be halved so often without a remainder.
    """

    def __init__(self, width: int, n_features: int, image_shape: ImageShape, n_halvings: int) -> None:
        _require_halvings(image_shape, n_halvings)
        super().__init__()
        self.image_shape = image_shape
        self.n_halvings = n_halvings
        stages = [width << stage for stage in range(n_halvings)]  # width, 2 width, ...
        layers: list[nn.Module] = [_halving(image_shape.channels, width)]
        for n_in, n_out in itertools.pairwise(stages):
            layers += [nn.SiLU(), _halving(n_in, n_out)]
        self.layers = nn.Sequential(
            *layers,  # (B, stages[-1], H, W)
            ResidualBlock(stages[-1], kernel_size=3),
            nn.SiLU(),
            nn.Conv2d(stages[-1], n_features, kernel_size=1),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on CPU than channels first

    def forward(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B F H W"]:
        """Features of every cell.

        Raises
        ------
        ShapeError
            If images do not have the shape that the encoder was built for.
        """
        require_images(images, self.image_shape)
        features: Tensor = self.layers(images)
        return features


class ConvDecoder(nn.Module):
    """Lattices to pixel logits.

    Parameters
    ----------
    latent_channels : int
        Channels D of a lattice.
    width : int
        As in the encoder: a stage has twice the channels of the encoder's stage of its size, the last one width / 2.
    n_channels : int
        Channels C of an image.
    n_halvings : int
        Of the encoder: how often height and width are doubled.
    """

    def __init__(self, latent_channels: int, width: int, n_channels: int, n_halvings: int) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.n_channels = n_channels
        self.n_halvings = n_halvings
        stages = [*(2 * width << stage for stage in reversed(range(n_halvings))), width // 2]
        layers: list[nn.Module] = [nn.Conv2d(latent_channels, stages[0], kernel_size=1)]
        for n_in, n_out in itertools.pairwise(stages):
            layers += [ResidualBlock(n_in), nn.SiLU(), _doubling(n_in, n_out)]
        self.layers = nn.Sequential(
            *layers,  # (B, width / 2, h, w)
            ResidualBlock(width // 2),  # depth at pixel resolution costs little and lowers the error most
            nn.SiLU(),
            nn.Conv2d(width // 2, n_channels, kernel_size=3, padding=1),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in the encoder

    def forward(self, lattices: Float[Tensor, "B D H W"]) -> Float[Tensor, "B C h w"]:
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

    def mean_layers(self) -> tuple[nn.Module, ...]:
        """Layers that give the means of Bernoulli pixels one after the other."""
        return *self.layers, nn.Sigmoid()

    def start_at(self, mean: float) -> None:
        """Give the last layer the bias under which an untrained decoder draws pixels of about this mean, in [0, 1]."""
        last = self.layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, torch.tensor(mean).clamp(1e-3, 1 - 1e-3).logit().item())


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

    def residual_branch(self) -> tuple[nn.Module, ...]:
        """Layers whose result is added to the input."""
        return nn.SiLU(), self.convolve, nn.SiLU(), self.mix


def require_images(images: Tensor, image_shape: ImageShape) -> None:
    """Raise `ShapeError` unless images are (B, C, h, w) with the C, h and w of `image_shape`."""
    if images.ndim != 4 or tuple(images.shape[1:]) != image_shape:
        raise ShapeError(
            f"images must have shape (B, {', '.join(map(str, image_shape))}), values in [0, 1]; "
            f"got {tuple(images.shape)}."
        )


def _halving(n_in: int, n_out: int) -> nn.Module:
    return nn.Conv2d(n_in, n_out, kernel_size=4, stride=2, padding=1)


def _doubling(n_in: int, n_out: int) -> nn.Module:
    return nn.ConvTranspose2d(n_in, n_out, kernel_size=4, stride=2, padding=1)


def _require_halvings(image_shape: ImageShape, n_halvings: int) -> None:
    n_channels, height, width = image_shape
    if n_halvings < 1 or n_channels < 1 or height % 2**n_halvings or width % 2**n_halvings:
        raise InvalidValueError(
            f"An encoder halves height and width at least once, each time without a remainder; got images of shape "
            f"({n_channels}, {height}, {width}) and {n_halvings} halvings."
        )
