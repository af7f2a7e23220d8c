"""Error that quantization adds: decoded quantized lattices against decoded continuous ones.

The image itself is not compared, so the error of the autoencoder does not enter the comparison of two tokenizers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation.comparison import standard_error
from geovq.evaluation.inputs import require_finite, require_same_shape


@dataclass(frozen=True, eq=False)
class Distortion:
    """Mean squared pixel difference, in squared pixel intensity (white is 1).

    Attributes
    ----------
    mean : float
        Over images and pixels.
    standard_error : float
        Of `mean`, over images; NaN for a single image.
    per_image : ndarray of shape (n,), float64
        Mean over the pixels of each image.
    """

    mean: float
    standard_error: float
    per_image: NDArray[np.float64]

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n_images": len(self.per_image),
            "distortion": self.mean,
            "distortion_standard_error": self.standard_error,
        }


@torch.no_grad()
def distortion(
    decode: Callable[[Tensor], Tensor],
    lattices: Float[Tensor, "n d h w"],
    quantized: Float[Tensor, "n d h w"],
    *,
    batch_size: int = 256,
) -> Distortion:
    """Mean squared pixel difference between decode(quantized) and decode(lattices).

    Parameters
    ----------
    decode : callable
        (b, D, H, W) -> (b, ...) means of the pixels. Rows must not interact: use eval mode.
    lattices, quantized : Tensor of shape (n, D, H, W)
        Continuous lattices and the same ones after encoding and decoding their tokens, on the decoder's device.
    batch_size : int, default=256
        Lattices per decoder pass; bounds memory, and changes no more than the decoder's rounding.

    Returns
    -------
    Distortion

    Raises
    ------
    ShapeError
        If the lattices differ in shape or are none, or the decoder does not return one row per lattice.
    NonFiniteError
        If a lattice or a decoded pixel is NaN or infinite.
    InvalidValueError
        If `batch_size` is below 1.
    """
    require_same_shape(lattices, quantized, ("lattices", "quantized"))
    if batch_size < 1:
        raise InvalidValueError(f"batch_size must be at least 1; got {batch_size}.")
    require_finite(lattices, "lattices", "Was the encoder's training stable?")
    require_finite(quantized, "quantized lattices", "Is the codebook damaged?")
    batches = zip(torch.split(lattices, batch_size), torch.split(quantized, batch_size), strict=True)
    per_image = torch.cat([_squared_differences(decode, continuous, coded) for continuous, coded in batches]).numpy()
    return Distortion(float(per_image.mean()), standard_error(per_image), per_image)


def _squared_differences(decode: Callable[[Tensor], Tensor], lattices: Tensor, quantized: Tensor) -> Tensor:
    continuous, coded = _decoded(decode, lattices), _decoded(decode, quantized)
    return (continuous - coded).square().flatten(start_dim=1).mean(dim=1)  # (b,)


def _decoded(decode: Callable[[Tensor], Tensor], lattices: Tensor) -> Tensor:
    images = decode(lattices)
    if images.ndim < 2 or len(images) != len(lattices):
        raise ShapeError(
            f"decode must return one image per lattice; got {tuple(images.shape)} for {len(lattices)} lattices."
        )
    require_finite(images, "decoded images", "Was the decoder's training stable?")
    return images.cpu().to(torch.float64)  # not every device has float64
