"""The k-means tokenizer: Euclidean means of cells, in all latent channels."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import KMeansSolver
from geovq.config import DiscretizationConfig
from geovq.geometry import LandmarkSample
from geovq.geometry.metric.footprint import Decode
from geovq.progress import Progress, SilentProgress
from geovq.tokenization.code_count import choose_codes
from geovq.tokenization.nearest_code import NearestCodeTokenizer


def fit_kmeans(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> NearestCodeTokenizer:
    """k-means on all sampled cells; a `Fit` that needs neither metric nor decoder."""
    solver = KMeansSolver(
        sample.cells.numpy(), config.n_restarts, config.max_iterations, config.seed, progress or SilentProgress()
    )
    found = choose_codes(solver, config, progress)
    return NearestCodeTokenizer(config.method, torch.from_numpy(found.codebook))
