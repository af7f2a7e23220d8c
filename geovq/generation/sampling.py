"""Ancestral sampling of token lattices, from nothing or from the first tokens of one.

All uniform numbers come from one stream and are laid out by (sample, position), so that the first samples stay the same
however many are asked for.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from geovq.generation.classes import Labels, chosen_labels, drawn_labels
from geovq.generation.drawing import checked_beginnings, draw_lattices, draw_positions, eval_mode, require_counts
from geovq.generation.filtering import require_filter
from geovq.models.prior import LatticePrior
from geovq.progress import Progress, SilentProgress
from geovq.randomness import make_rng


def sample_tokens(
    prior: LatticePrior,
    n_samples: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
    prefix: Int64[Tensor, "*n n_prefix"] | None = None,
    labels: Labels | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Int64[Tensor, "n H W"]:
    """Draw token lattices from a prior, position by position in raster order.

    Parameters
    ----------
    prior : LatticePrior
        Sampled in eval mode, on its own device; its mode is restored.
    n_samples : int
        Lattices to draw.
    temperature, top_p : float, default=1.0
        As in `filter_logits`.
    seed : int, default=0
        Root of the streams of uniform numbers.
    prefix : Tensor of shape (n_prefix,) or (n_samples, n_prefix), optional
        First tokens in raster order, kept as they are: one beginning for all samples, or one each.
    labels : int or Tensor of shape (n_samples,), optional
        Class of all samples, or of each, for a class-conditional prior. By default each is drawn: as often as in
        training, or given a prefix from `class_posterior`.
    batch_size : int, default=64
        Lattices per model call. It bounds memory; results do not depend on it (a rounding difference of the model's
        logits between batch shapes, about 1e-7, moves a token only if its uniform number lies as close to an edge).
    progress : Progress, optional
        Told about the tokens drawn; a requested stop raises `Cancelled`.

    Returns
    -------
    Tensor of shape (n_samples, H, W)
        int64 on the CPU.

    Raises
    ------
    InvalidValueError
        If a number is out of range, or a prefix or label is not one that the prior knows.
    ShapeError
        If the prefix does not fit the samples or the lattice, or labels do not fit the samples.
    """
    require_counts(n_samples=n_samples, batch_size=batch_size)
    require_filter(temperature, top_p)
    beginnings = checked_beginnings(prior, prefix, n_samples)
    return draw_lattices(
        prior,
        beginnings,
        _uniforms(prior, n_samples, seed),
        _labels(prior, labels, beginnings, seed, batch_size),
        temperature=temperature,
        top_p=top_p,
        batch_size=batch_size,
        progress=progress or SilentProgress(),
    )


class SampledStep(NamedTuple):
    """One token as it was drawn."""

    position: int  # raster index
    probabilities: Float64[Tensor, " K"]  # after temperature and top_p
    token: int


def sample_steps(
    prior: LatticePrior,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
    prefix: Int64[Tensor, " n_prefix"] | None = None,
    label: int | None = None,
) -> Iterator[SampledStep]:
    """Draw one lattice token by token: the probabilities at each position, and the token that was taken.

    The tokens are those of `sample_tokens(prior, 1, ...)` with the same settings; parameters and errors are those of
    `sample_tokens`.

    Yields
    ------
    SampledStep
        One per position after the prefix, as it is drawn. The prior stays in eval mode until the last one.
    """
    require_filter(temperature, top_p)
    beginnings = checked_beginnings(prior, prefix, 1)
    labels = _labels(prior, label, beginnings, seed, batch_size=1)
    return _steps(prior, beginnings, _uniforms(prior, 1, seed), labels, temperature, top_p)


def _steps(
    prior: LatticePrior, beginnings: Tensor, uniforms: Tensor, labels: Tensor | None, temperature: float, top_p: float
) -> Iterator[SampledStep]:
    with eval_mode(prior):
        for drawn in draw_positions(prior, beginnings, uniforms, labels, temperature=temperature, top_p=top_p):
            yield SampledStep(drawn.position, drawn.probabilities[0], int(drawn.tokens))


def _uniforms(prior: LatticePrior, n_samples: int, seed: int) -> Tensor:
    """Numbers in [0, 1) for tokens, (n, L) float64; the first rows do not depend on n."""
    return torch.from_numpy(make_rng(seed, "sampling").random((n_samples, prior.n_positions)))


def _labels(
    prior: LatticePrior, labels: Labels | None, beginnings: Tensor, seed: int, batch_size: int
) -> Tensor | None:
    if labels is not None:
        return chosen_labels(prior, labels, len(beginnings))
    uniforms = torch.from_numpy(make_rng(seed, "sampling/labels").random(len(beginnings)))
    return drawn_labels(prior, beginnings, uniforms, batch_size=batch_size)
