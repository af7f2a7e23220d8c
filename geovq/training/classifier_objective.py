"""Cross-entropy of a classifier on images that are moved about a little while it learns."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor
from torch.nn import functional as F

from geovq.data import ImageSet
from geovq.models import ImageClassifier
from geovq.training.draws import Draws

Labelled = tuple[Float[Tensor, "B C h w"], Int64[Tensor, " B"]]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as examples that bring their classes."""

    images: ImageSet

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Int[Tensor, " B"]) -> Labelled:
        """Images and their classes."""
        return self.images.batch(indices), self.images.labels[indices.to(self.images.labels.device)]


@dataclass(frozen=True)
class ClassifierObjective:
    """Mean negative log-probability of the class, in nats per image.

    Parameters
    ----------
    max_shift : int
        While training, images move by up to so many pixels along each axis; what comes in is background.
    """

    max_shift: int = 0

    def loss(self, model: ImageClassifier, batch: Labelled, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over a batch of `LabelledImages`, each moved on its own."""
        images, labels = batch
        shifts = draws.integers(-self.max_shift, self.max_shift, len(images), 2)
        moved = shifted(images, shifts.to(images.device))
        nats = F.cross_entropy(model(moved).float(), labels)
        return nats, {"class_nats": nats}

    def evaluate(self, model: ImageClassifier, batches: Iterable[Labelled]) -> dict[str, float]:
        """Cross-entropy and accuracy of the images as they are."""
        n_images, nats, n_right = 0, 0.0, 0
        for images, labels in batches:
            logits = model(images).float()
            nats += F.cross_entropy(logits, labels, reduction="sum").item()
            n_right += int((logits.argmax(dim=1) == labels).sum())
            n_images += len(images)
        return {"loss": nats / n_images, "class_nats": nats / n_images, "accuracy": n_right / n_images}


def shifted(images: Float[Tensor, "B C h w"], shifts: Int64[Tensor, "B 2"]) -> Float[Tensor, "B C h w"]:
    """Images moved down and to the right by whole pixels, each by its own; zeros come in at the border.

    Parameters
    ----------
    images : Tensor of shape (B, C, h, w)
    shifts : Tensor of shape (B, 2), int64
        Pixels down and to the right; negative ones move up and to the left.
    """
    n, _, height, width = images.shape
    rows = torch.arange(height, device=images.device) - shifts[:, :1]  # (B, h), where each row comes from
    columns = torch.arange(width, device=images.device) - shifts[:, 1:]  # (B, w)
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None]
    each = torch.arange(n, device=images.device)[:, None, None]
    moved = images.movedim(1, -1)[each, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return moved.movedim(-1, 1) * inside
