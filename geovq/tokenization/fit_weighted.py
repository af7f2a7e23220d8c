"""The two tokenizers of metric-weighted Lloyd: under the pullback metric, and under that of latent space."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import MeasuredPoints, WeightedSolver
from geovq.config import DiscretizationConfig
from geovq.geometry import LandmarkSample
from geovq.geometry.metric.footprint import Decode
from geovq.progress import Progress, SilentProgress
from geovq.tokenization.code_count import choose_codes
from geovq.tokenization.local_metric import LocalMetricTokenizer
from geovq.tokenization.local_rule import nearest_landmarks


def fit_weighted(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> LocalMetricTokenizer:
    """Under the pullback metric; a `Fit` that needs no decoder."""
    return _fit(sample, metrics(), config, progress or SilentProgress())


def fit_ecvq(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> LocalMetricTokenizer:
    """Under G = I, the metric of latent space; a `Fit` that needs neither metric nor decoder."""
    identity = torch.eye(sample.subspace.n_active).repeat(len(sample.landmark_indices), 1, 1)
    return _fit(sample, identity, config, progress or SilentProgress())


def _fit(
    sample: LandmarkSample, metrics: Float[Tensor, "n a a"], config: DiscretizationConfig, progress: Progress
) -> LocalMetricTokenizer:
    """On all sampled cells, each measured by its nearest landmark, as when cells are encoded."""
    subspace, landmarks = sample.subspace, sample.landmarks
    points = subspace.project(sample.cells)
    nearest = nearest_landmarks(sample.cells, subspace, landmarks)
    measured = MeasuredPoints(points.numpy(), metrics.numpy(), nearest.numpy())
    solver = WeightedSolver(measured, config.bit_price, config.n_restarts, config.max_iterations, config.seed, progress)
    found = choose_codes(solver, config, progress)
    n_codes = len(found.codebook)
    if config.bit_price and found.n_used < n_codes:
        left = "only one code is" if found.n_used == 1 else f"{found.n_used} codes are"
        progress.note(
            f"{config.method}: of {n_codes} codes, {left} left at a bit price of {config.bit_price:g}; "
            "lower codebook.bit_price to keep more."
        )
    return LocalMetricTokenizer(
        method=config.method,
        codebook=subspace.lift(torch.from_numpy(found.codebook)),
        subspace=subspace,
        landmarks=landmarks,
        metrics=metrics,
        log2_frequencies=torch.from_numpy(found.log2_frequencies),
        price_per_bit=found.price_per_bit,
        cost_history=torch.from_numpy(found.cost_history),
    )
