"""Refitting a decoder to the quantized lattices of a tokenizer: tokens in, images out.

Encoder and codebook take no part, so the tokens of every image stay what they are. A refit is short and counted in
steps, whatever the number of images.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from geovq.data import ImageSet
from geovq.errors import ShapeError
from geovq.lattice import lattices_of
from geovq.models import LatticeDecoder
from geovq.training.draws import Draws
from geovq.training.objective import Batch, Examples, bce_nats

Quantized = tuple[Float[Tensor, "B C h w"], Float[Tensor, "B D H W"]]


@dataclass(frozen=True, eq=False)
class QuantizedImages:
    """Images and the lattices that their tokens stand for, on one device.

    Attributes
    ----------
    images : ImageSet
    tokens : Tensor of shape (n, H, W), int64
        Tokens of the images, in the same order.
    codebook : Tensor of shape (K, D)
        Latent vector of every code.

    Raises
    ------
    ShapeError
        If there is not one lattice of tokens per image.
    """

    images: ImageSet
    tokens: Int64[Tensor, "n H W"]
    codebook: Float[Tensor, "K D"]

    def __post_init__(self) -> None:
        if self.tokens.ndim != 3 or len(self.tokens) != len(self.images):
            raise ShapeError(
                f"tokens must have shape ({len(self.images)}, H, W), one lattice per image; "
                f"got {tuple(self.tokens.shape)}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: str | torch.device) -> Self:
        """The same images and tokens on another device."""
        return dataclasses.replace(
            self, images=self.images.to(device), tokens=self.tokens.to(device), codebook=self.codebook.to(device)
        )

    def subset(self, indices: Int[Tensor, " m"]) -> Self:
        """The images at `indices` and their tokens, in that order."""
        return dataclasses.replace(self, images=self.images.subset(indices), tokens=self.tokens[indices])

    def batch(self, indices: Int[Tensor, " B"]) -> Quantized:
        """Images and the lattices of their tokens."""
        tokens = self.tokens[indices.to(self.tokens.device)]  # (B, H, W)
        return self.images.batch(indices), lattices_of(self.codebook[tokens.flatten()], *tokens.shape[1:])


class Repeated:
    """Examples again and again until there are `n_drawn`, each as often as any other, to within one.

    Parameters
    ----------
    examples : Examples
    n_drawn : int
        How many there are to be, fewer or more than `examples`.
    generator : torch.Generator
        Chooses those that come once more than the others; on the CPU.
    device : str or torch.device, default="cpu"
        Of the examples.
    """

    def __init__(
        self, examples: Examples, n_drawn: int, generator: torch.Generator, device: str | torch.device = "cpu"
    ) -> None:
        self.examples, self.n_drawn = examples, n_drawn
        self.order = torch.randperm(len(examples), generator=generator).to(device)

    def __len__(self) -> int:
        return self.n_drawn

    def batch(self, indices: Int[Tensor, " B"]) -> Batch:
        """Examples at `indices` of the repetition."""
        return self.examples.batch(self.order[indices.to(self.order.device) % len(self.order)])


@dataclass(frozen=True)
class RefitObjective:
    """Bernoulli cross-entropy of images decoded from quantized lattices, in nats per image, as in the VAE's loss."""

    def loss(self, model: LatticeDecoder, batch: Quantized, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over the images of a batch of `QuantizedImages`; nothing is drawn."""
        images, lattices = batch
        bce = bce_nats(model.decode_logits(lattices), images).mean()
        return bce, {"bce_nats": bce}

    def evaluate(self, model: LatticeDecoder, batches: Iterable[Quantized]) -> dict[str, float]:
        """Cross-entropy, and the mean squared error of the pixel means."""
        n_images, bce, mse = 0, 0.0, 0.0
        for images, lattices in batches:
            logits = model.decode_logits(lattices)
            bce += bce_nats(logits, images).sum().item()
            mse += (logits.float().sigmoid() - images).square().flatten(start_dim=1).mean(dim=1).sum().item()
            n_images += len(images)
        return {"loss": bce / n_images, "bce_nats": bce / n_images, "mse": mse / n_images}
