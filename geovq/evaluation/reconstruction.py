"""How close reconstructions are to images: squared error, PSNR, SSIM and the likelihood of the pixels."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError
from geovq.evaluation.comparison import standard_error
from geovq.evaluation.inputs import require_finite, require_same_shape
from geovq.evaluation.similarity import structural_similarity

# Probabilities stay this far from 0 and 1 before their logarithm: one wholly wrong pixel costs 16.1 nats, not infinity.
PROBABILITY_CLAMP = 1e-7


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Errors of reconstructed images; standard errors are over images and NaN for a single one.

    Attributes
    ----------
    mse, mse_standard_error : float
        Mean squared pixel difference, in squared pixel intensity (white is 1).
    psnr_db : float
        10 log10(1 / mse), in decibels, of the mean `mse` (not the mean of the images' PSNR, which one perfect image
        would make infinite); infinite if every image is perfect.
    ssim, ssim_standard_error : float
        Structural similarity, at most 1, which a perfect reconstruction reaches; NaN if images have fewer than 11
        pixels on a side.
    bce_nats_per_image, bce_standard_error : float
        Binary cross-entropy of the pixels, summed over the image. Grey pixels count as probabilities, so it is not zero
        for a perfect reconstruction.
    per_image_mse, per_image_ssim, per_image_bce_nats : ndarray of shape (n,), float64
    """

    mse: float
    mse_standard_error: float
    psnr_db: float
    ssim: float
    ssim_standard_error: float
    bce_nats_per_image: float
    bce_standard_error: float
    per_image_mse: NDArray[np.float64]
    per_image_ssim: NDArray[np.float64]
    per_image_bce_nats: NDArray[np.float64]

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n_images": len(self.per_image_mse),
            "mse": self.mse,
            "mse_standard_error": self.mse_standard_error,
            "psnr_db": self.psnr_db,
            "ssim": self.ssim,
            "ssim_standard_error": self.ssim_standard_error,
            "bce_nats_per_image": self.bce_nats_per_image,
            "bce_standard_error": self.bce_standard_error,
        }


def reconstruction(
    images: Float[Tensor, "n c height width"], means: Float[Tensor, "n c height width"], *, batch_size: int = 1024
) -> Reconstruction:
    """Compare images with the pixel means that a decoder gives for them.

    Parameters
    ----------
    images, means : Tensor of shape (n, C, h, w)
        Intensities in [0, 1]. Means are clamped to [1e-7, 1 - 1e-7] for the cross-entropy, and for nothing else.
    batch_size : int, default=1024
        Images at a time; bounds memory, and changes no more than rounding.

    Returns
    -------
    Reconstruction

    Raises
    ------
    ShapeError
        If the shapes differ or there is no image.
    NonFiniteError
        If a pixel is NaN or infinite.
    InvalidValueError
        If a pixel is outside [0, 1], or `batch_size` is below 1.
    """
    images, means = images.detach(), means.detach()
    require_same_shape(images, means, ("images", "means"))
    if batch_size < 1:
        raise InvalidValueError(f"batch_size must be at least 1; got {batch_size}.")
    _require_intensities(images, "images")
    _require_intensities(means, "means")
    errors = [
        _errors(x, p) for x, p in zip(torch.split(images, batch_size), torch.split(means, batch_size), strict=True)
    ]
    per_image_mse, per_image_ssim, per_image_bce = (torch.cat(parts).numpy() for parts in zip(*errors, strict=True))
    mse = float(per_image_mse.mean())
    return Reconstruction(
        mse=mse,
        mse_standard_error=standard_error(per_image_mse),
        psnr_db=-10 * math.log10(mse) if mse > 0 else math.inf,
        ssim=float(per_image_ssim.mean()),
        ssim_standard_error=standard_error(per_image_ssim),
        bce_nats_per_image=float(per_image_bce.mean()),
        bce_standard_error=standard_error(per_image_bce),
        per_image_mse=per_image_mse,
        per_image_ssim=per_image_ssim,
        per_image_bce_nats=per_image_bce,
    )


def _require_intensities(pixels: Tensor, name: str) -> None:
    require_finite(pixels, name, "Was the training of the model stable?")
    lowest, highest = float(pixels.min()), float(pixels.max())
    if lowest < 0 or highest > 1:
        raise InvalidValueError(
            f"{name} must be intensities in [0, 1]; got {lowest:g} to {highest:g}. "
            "Divide bytes by 255, and pass logits through a sigmoid."
        )


def _errors(images: Tensor, means: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = images.cpu().to(torch.float64).flatten(start_dim=1)  # (b, P); not every device has float64
    p = means.cpu().to(torch.float64).flatten(start_dim=1)
    mse = (x - p).square().mean(dim=1)
    p = p.clamp(PROBABILITY_CLAMP, 1 - PROBABILITY_CLAMP)
    bce_nats = -(x * p.log() + (1 - x) * torch.log1p(-p)).sum(dim=1)
    return mse, structural_similarity(images, means), bce_nats
