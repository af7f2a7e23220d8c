"""One split of a data set, whole in memory.

Small images fit: 60,000 grey ones of MNIST's size take 47 MB as uint8. They are held on the device that computes and
indexed there, so no worker processes and no per-image transforms stand between the optimiser and its batches.
"""

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int, Int64, UInt8
from torch import Tensor

from geovq.errors import ShapeError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one split with their classes, on one device.

    Attributes
    ----------
    name : str
        Data set, as in the configuration.
    split : str
        "train", "test" or "validation".
    images : Tensor of shape (n, C, h, w), uint8
        Intensities from 0 to 255.
    labels : Tensor of shape (n,), int64
        Class of each image, an index into `class_names`.
    class_names : tuple of str
        Names for people.

    Raises
    ------
    ShapeError
        If images and labels do not have these shapes and types.
    """

    name: str
    split: str
    images: UInt8[Tensor, "n C h w"]
    labels: Int64[Tensor, " n"]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.ndim != 4 or images.dtype != torch.uint8:
            raise ShapeError(f"images must be uint8 of shape (n, channels, height, width); got {_described(images)}.")
        if labels.shape != images.shape[:1] or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels must be int64 of shape ({len(images)},), one per image; got {_described(labels)}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: str | torch.device) -> Self:
        """The same split on another device."""
        return dataclasses.replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def subset(self, indices: Int[Tensor, " m"]) -> Self:
        """The images at `indices`, in that order."""
        indices = indices.to(self.images.device)
        return dataclasses.replace(self, images=self.images[indices], labels=self.labels[indices])

    def batch(self, indices: Int[Tensor, " B"]) -> Float[Tensor, "B C h w"]:
        """Images as a model sees them: float32 in [0, 1], shape (B, C, h, w)."""
        return self.images[indices.to(self.images.device)].to(torch.float32).div_(255)


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
