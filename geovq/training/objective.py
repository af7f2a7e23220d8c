"""What the loop asks of its two partners: examples, and an objective that turns them into a loss."""

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Examples(Protocol):
    """A set of examples held in memory, such as `ImageSet` or `TokenSet`."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Tensor:
        """Examples at `indices`, (b,) int64, stacked along the first axis."""


class Objective(Protocol):
    """Loss of one kind of model; a frozen dataclass whose fields are the loss's weights."""

    def loss(self, model: Any, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Scalar to minimise, and its parts by name, units in the name ("bce_nats", "kl_nats").

        All randomness comes from `generator`, which lives on the device of the batch.
        """

    def evaluate(self, model: Any, batches: Iterable[Tensor]) -> dict[str, float]:
        """ "loss", its parts and what else is worth knowing, over a whole validation set.

        Deterministic: the model is in eval mode, nothing is drawn. Means weigh every example the same, whatever the
        batch sizes.
        """


def bce_nats(logits: Tensor, images: Tensor) -> Tensor:
    """Bernoulli cross-entropy of each image in nats, summed over its pixels, (B,).

    Never below the images' own entropy, which grey pixels make greater than zero.
    """
    per_pixel = F.binary_cross_entropy_with_logits(logits.float(), images, reduction="none")
    return per_pixel.flatten(start_dim=1).sum(dim=1)
