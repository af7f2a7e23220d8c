"""The k-means tokenizer: Euclidean means of cells, in all latent channels."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import KMeansSolver
from geovq.config import DiscretizationConfig
from geovq.progress import Progress, SilentProgress
from geovq.tokenization.code_count import choose_codes
from geovq.tokenization.nearest_code import NearestCodeTokenizer


def fit_kmeans(
    cells: Float[Tensor, "n d"], config: DiscretizationConfig, *, progress: Progress | None = None
) -> NearestCodeTokenizer:
    """k-means on all sampled cells.

    Parameters
    ----------
    cells : Tensor of shape (n, D)
    config : DiscretizationConfig
        The settings of the codebook and `seed` are used.
    progress : Progress, optional
    """
    solver = KMeansSolver(
        cells.numpy(), config.n_restarts, config.max_iterations, config.seed, progress or SilentProgress()
    )
    found = choose_codes(solver, config, progress)
    return NearestCodeTokenizer("kmeans", torch.from_numpy(found.codebook))
