"""Gaussian Quant: a fixed random codebook, drawn from the VAE's prior, and codes that its own posterior finds likely.

Nothing is fitted. A cell whose posterior is N(mu, sigma^2), channel by channel, takes the code c that makes
log N(c; mu, sigma^2) - log N(c; 0, 1) largest: a channel whose posterior is the prior has no say. It needs the
posterior's variances, so it reads more than the lattices of means that other tokenizers read.

Source: Xu, Zheng, He, Hernandez-Lobato, Wang, Zhang (2025), "Vector Quantization using Gaussian Variational
Autoencoder", arXiv 2512.06609; codebook and rule for groups of channels as in the authors' published code.
"""

import torch
from jaxtyping import Float32
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.randomness import derive_seed
from geovq.tokenization.landmark_rule import Codes

_SCORES_PER_CHUNK = 1 << 23  # bounds what is held at once


def gaussian_codebook(n_codes: int, n_channels: int, *, seed: int = 0) -> Float32[Tensor, "k d"]:
    """Codes spread like N(0, 1) in every channel: normal quantiles of a scrambled Sobol sequence, (K, D).

    Raises
    ------
    InvalidValueError
        If there is not at least one code and one channel.
    """
    if n_codes < 1 or n_channels < 1:
        raise InvalidValueError(f"n_codes and n_channels must be at least 1; got {n_codes} and {n_channels}.")
    start = derive_seed(seed, "gaussian.codebook")
    engine = torch.quasirandom.SobolEngine(n_channels, scramble=True, seed=start)  # type: ignore[no-untyped-call]
    shares = engine.draw(n_codes, dtype=torch.float64)
    least = torch.finfo(torch.float32).eps  # a share of exactly 0 or 1 would be infinitely far out
    codes: Tensor = torch.special.ndtri(shares.clamp(least, 1 - least))
    return codes.float()


def gaussian_codes(
    mean: Float32[Tensor, "m d"],
    logvar: Float32[Tensor, "m d"],
    codebook: Float32[Tensor, "k d"],
    *,
    prior_weight: float = 1.0,
) -> Codes:
    """Code of every cell, by the density of its posterior relative to the prior; of equals any.

    Parameters
    ----------
    mean, logvar : Tensor of shape (m, D)
        Posterior of each cell: mean and log of the variance of every channel.
    codebook : Tensor of shape (K, D)
    prior_weight : float, default=1
        Weight of the prior's log density; with 0 the code is the nearest one in units of the posterior's deviations,
        argmin |(mu - c) / sigma|.

    Returns
    -------
    codes : Tensor of shape (m,)
    margins : Tensor of shape (m,)
        How much lower the log ratio of the next code is, in nats; infinite if there is one code only.

    Raises
    ------
    ShapeError
        If mean, logvar and codebook do not fit each other.
    NonFiniteError
        If one of them is NaN or infinite.
    """
    if mean.shape != logvar.shape or mean.ndim != 2 or codebook.ndim != 2 or mean.shape[1] != codebook.shape[1]:
        raise ShapeError(
            "mean and logvar must be (m, D) and codebook (K, D) with the same D; "
            f"got {tuple(mean.shape)}, {tuple(logvar.shape)} and {tuple(codebook.shape)}."
        )
    if not all(torch.isfinite(values).all() for values in (mean, logvar, codebook)):
        raise NonFiniteError("mean, logvar or codebook contain NaN or infinity; check the encoder that made them.")
    size = max(1, _SCORES_PER_CHUNK // len(codebook))
    chunks = zip(torch.split(mean, size), torch.split(logvar, size), strict=True)
    codes, margins = zip(*(_likeliest(*chunk, codebook.to(mean), prior_weight) for chunk in chunks), strict=True)
    return torch.cat(codes), torch.cat(margins)


def _likeliest(mean: Tensor, logvar: Tensor, codebook: Tensor, prior_weight: float) -> Codes:
    scores = torch.zeros(len(mean), len(codebook), device=mean.device)  # log ratios, up to a constant of each cell
    precision = (-logvar).exp()
    for d in range(mean.shape[1]):
        code = codebook[:, d]
        scores -= 0.5 * precision[:, d, None] * (mean[:, d, None] - code).square()
        scores += 0.5 * prior_weight * code.square()
    best, codes = scores.max(dim=1, keepdim=True)
    following = scores.scatter(1, codes, -torch.inf).amax(dim=1, keepdim=True)
    return codes.squeeze(1), (best - following).squeeze(1)
