"""What the training loop needs: examples, and an objective that turns batches of them into a loss."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from torch import Tensor
from torch.nn import functional as F

from geovq.training.draws import Draws

# Images, or several tensors of the same examples, such as (images, labels); None stands for labels that there are not.
Batch = Tensor | tuple[Tensor | None, ...]


class Examples(Protocol):
    """A set of examples held in memory, such as `ImageSet` or `TokenSet`."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Batch:
        """Examples at `indices`, (b,) int64, stacked along the first axis of every tensor."""


class Objective(Protocol):
    """Loss of one kind of model; a frozen dataclass whose fields are the loss's weights."""

    def loss(self, model: Any, batch: Any, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        """Scalar to minimise, and its parts by name, units in the name ("bce_nats", "kl_nats").

        Means over the examples, so that the losses of parts of a batch make the loss of the batch. All randomness
        comes from `draws`.
        """

    def evaluate(self, model: Any, batches: Iterable[Any]) -> dict[str, float]:
        """ "loss", its parts and what else is worth knowing, over a whole validation set.

        Deterministic: the model is in eval mode, nothing is drawn. Means weigh every example the same, whatever the
        batch sizes. The epoch with the lowest "loss" is the best. Members of a group are named "group/member".
        """


@runtime_checkable
class ScheduledObjective(Objective, Protocol):
    """An objective whose weights change while a model trains; `evaluate` is that of the end."""

    def at(self, fraction_done: float) -> Objective:
        """The objective of the step that has this share of all steps behind it, in [0, 1)."""


def bce_nats(logits: Tensor, images: Tensor) -> Tensor:
    """Bernoulli cross-entropy of each image in nats, summed over its pixels, (B,).

    Never below the images' own entropy, which grey pixels make greater than zero.
    """
    per_pixel = F.binary_cross_entropy_with_logits(logits.float(), images, reduction="none")
    return per_pixel.flatten(start_dim=1).sum(dim=1)
