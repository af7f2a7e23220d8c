"""Small priors far from uniform, and their distributions by enumeration."""

from itertools import product

import numpy as np
import torch

from geovq.config import PriorConfig
from geovq.models.prior import LatticePrior
from geovq.randomness import make_generator


def build_prior(
    n_codes: int = 6,
    height: int = 3,
    width: int = 3,
    dropout: float = 0.0,
    class_counts: tuple[int, ...] | None = None,
) -> LatticePrior:
    config = PriorConfig(n_layers=1, n_heads=2, width=8, dropout=dropout, class_conditional=class_counts is not None)
    with torch.random.fork_rng():
        prior = LatticePrior(config, n_codes, height, width, class_counts=class_counts).eval()
    generator = make_generator(3, "weights")
    with torch.no_grad():
        for weights in prior.parameters():
            weights.normal_(std=0.6, generator=generator)  # far from uniform
    return prior


def all_sequences(prior: LatticePrior) -> torch.Tensor:
    return torch.tensor(list(product(range(prior.n_codes), repeat=prior.n_positions)))


@torch.no_grad()
def exact_distribution(prior: LatticePrior, label: int | None = None) -> tuple[torch.Tensor, np.ndarray]:
    """Every sequence with its probability, by the chain rule on whole passes."""
    sequences = all_sequences(prior)
    labels = None if label is None else torch.full((len(sequences),), label)
    log_p = prior(sequences, labels).double().log_softmax(dim=-1).gather(2, sequences[..., None])[..., 0]
    return sequences, log_p.sum(dim=1).exp().numpy()


def joint_distribution(prior: LatticePrior) -> np.ndarray:
    """p(class, sequence), (n_classes, n_sequences)."""
    counts = np.array(prior.class_counts)
    frequencies = counts / counts.sum()
    return np.stack([share * exact_distribution(prior, label)[1] for label, share in enumerate(frequencies)])


def counts_of(samples: torch.Tensor, sequences: torch.Tensor) -> np.ndarray:
    matches = (samples.flatten(start_dim=1)[:, None] == sequences).all(dim=-1)
    return matches.sum(dim=0).numpy()
