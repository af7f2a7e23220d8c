"""Completing lattices whose first rows are given: many ways to go on from the same beginning.

Source: Chen et al. (2020), "Generative Pretraining from Pixels" (completions of half images).
"""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.generation.classes import Labels, chosen_labels, drawn_labels
from geovq.generation.drawing import draw_lattices, require_counts
from geovq.generation.filtering import require_filter
from geovq.models.prior import LatticePrior
from geovq.progress import Progress, SilentProgress
from geovq.randomness import make_rng


def complete_tokens(
    prior: LatticePrior,
    tokens: Int64[Tensor, "n H W"],
    n_rows_kept: int,
    *,
    n_completions: int = 8,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
    labels: Labels | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Int64[Tensor, "n n_completions H W"]:
    """Keep the first rows of lattices and draw the rest anew, several times each.

    Parameters
    ----------
    prior : LatticePrior
        Sampled in eval mode, on its own device; its mode is restored.
    tokens : Tensor of shape (n, H, W)
        int64. What lies below the kept rows is not looked at.
    n_rows_kept : int
        From 0 (all of it is drawn) to H (nothing is).
    n_completions : int, default=8
        Per lattice. The first ones stay the same however many are asked for, of however many lattices.
    temperature, top_p : float, default=1.0
        As in `filter_logits`.
    seed : int, default=0
        Root of the streams of uniform numbers, one stream per lattice.
    labels : int or Tensor of shape (n,), optional
        Class of all lattices, or of each, for a class-conditional prior. By default each completion draws its own from
        `class_posterior` of the kept rows.
    batch_size : int, default=64
        Completions per model call; as in `sample_tokens`.
    progress : Progress, optional
        Told about the tokens drawn; a requested stop raises `Cancelled`.

    Returns
    -------
    Tensor of shape (n, n_completions, H, W)
        int64 on the CPU.

    Raises
    ------
    InvalidValueError
        If a number is out of range, or a token or label is not one that the prior knows.
    ShapeError
        If tokens are not lattices of the prior's size, or labels do not fit them.
    """
    require_counts(n_completions=n_completions, batch_size=batch_size)
    require_filter(temperature, top_p)
    kept = _kept_rows(prior, tokens, n_rows_kept)
    n = len(kept)
    beginnings = kept.repeat_interleave(n_completions, dim=0)  # (n * n_completions, n_prefix)
    uniforms, label_uniforms = _uniforms(prior, n, n_completions, seed)
    if labels is None:
        label_of_each = drawn_labels(prior, beginnings, label_uniforms, batch_size=batch_size)
    else:
        label_of_each = chosen_labels(prior, labels, n).repeat_interleave(n_completions)
    completed = draw_lattices(
        prior,
        beginnings,
        uniforms,
        label_of_each,
        temperature=temperature,
        top_p=top_p,
        batch_size=batch_size,
        progress=progress or SilentProgress(),
    )
    return completed.reshape(n, n_completions, prior.height, prior.width)


def _kept_rows(prior: LatticePrior, tokens: Tensor, n_rows_kept: int) -> Tensor:
    """Beginnings in raster order, (n, n_rows_kept * W), on the CPU."""
    if tokens.ndim != 3 or tokens.shape[1:] != (prior.height, prior.width) or len(tokens) == 0:
        raise ShapeError(
            f"tokens must have shape (n, {prior.height}, {prior.width}) with at least one lattice; "
            f"got {tuple(tokens.shape)}."
        )
    if n_rows_kept not in range(prior.height + 1):
        raise InvalidValueError(f"n_rows_kept must be a whole number from 0 to {prior.height}; got {n_rows_kept}.")
    prior.require_tokens(tokens)
    return tokens[:, : int(n_rows_kept)].flatten(start_dim=1).cpu()


def _uniforms(prior: LatticePrior, n: int, n_completions: int, seed: int) -> tuple[Tensor, Tensor]:
    """Numbers in [0, 1) for tokens (n * n_completions, L) and for labels (n * n_completions,), float64."""
    streams = [make_rng(seed, f"completion/{index}") for index in range(n)]
    # A completion's label comes first in its row, so that neither depends on how many completions there are.
    numbers = torch.from_numpy(np.concatenate([rng.random((n_completions, 1 + prior.n_positions)) for rng in streams]))
    return numbers[:, 1:], numbers[:, 0]
