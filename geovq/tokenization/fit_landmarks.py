"""The two landmark tokenizers, k-medoids on graph distances: they differ in the metric alone."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import MedoidSolver, codebook_solver
from geovq.config import DiscretizationConfig
from geovq.geometry import ActiveSubspace, EuclideanMetric, LandmarkSample, Metric, PullbackMetric
from geovq.geometry.metric.footprint import Decode
from geovq.progress import Progress
from geovq.tokenization.code_count import choose_codes
from geovq.tokenization.landmark import LandmarkTokenizer


def fit_euclidean(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> LandmarkTokenizer:
    """k-medoids with G = I, the metric of latent space; a `Fit` that needs neither metric nor decoder."""
    identity = torch.eye(sample.subspace.n_active).repeat(config.n_landmarks, 1, 1)
    return _fit(sample, EuclideanMetric(), identity, config, progress)


def fit_riemannian(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> LandmarkTokenizer:
    """k-medoids under the pullback metric; a `Fit` that needs no decoder."""
    tensors = metrics()
    return _fit(sample, PullbackMetric(tensors.numpy()), tensors, config, progress)


def _fit(
    sample: LandmarkSample,
    metric: Metric,
    tensors: Float[Tensor, "n a a"],
    config: DiscretizationConfig,
    progress: Progress | None,
) -> LandmarkTokenizer:
    """`metric` measures the edges of the graph, `tensors` the last step, from a cell to a landmark."""
    points = sample.landmarks
    lengths = metric.edge_lengths(points.numpy(), sample.graph.tails, sample.graph.heads)
    solver = codebook_solver(sample.graph.weighted(lengths), config, seed=config.seed, progress=progress)
    made = solved_tokenizer(
        solver, sample.landmark_latents, sample.subspace, tensors, config, config.n_candidates, progress=progress
    )
    return replace(made, assign=config.assign)


def solved_tokenizer(
    solver: MedoidSolver,
    latents: Float[Tensor, "n d"],
    subspace: ActiveSubspace,
    tensors: Float[Tensor, "n a a"],
    config: DiscretizationConfig,
    n_candidates: int,
    *,
    progress: Progress | None = None,
) -> LandmarkTokenizer:
    """Tokenizer of the codebook that a solver finds.

    Parameters
    ----------
    solver : MedoidSolver
        On the graph of the landmarks.
    latents : Tensor of shape (N, D)
        The landmarks.
    subspace : ActiveSubspace
        In which cells are compared with landmarks.
    tensors : Tensor of shape (N, A, A)
        Measures the step from a cell to a landmark.
    config : DiscretizationConfig
        `method` and how many codes there are.
    n_candidates : int
        Nearest landmarks that compete for a cell.
    progress : Progress, optional

    Returns
    -------
    LandmarkTokenizer
    """
    clustering = choose_codes(solver, config, progress)
    medoids = torch.from_numpy(clustering.medoid_indices)
    return LandmarkTokenizer(
        method=config.method,
        codebook=latents[medoids],
        subspace=subspace,
        landmarks=subspace.project(latents),
        metrics=tensors,
        label=torch.from_numpy(clustering.labels),
        distance_to_medoid=torch.from_numpy(solver.distance_to_medoid(clustering)),
        medoid_indices=medoids,
        n_candidates=n_candidates,
        cost_history=torch.from_numpy(clustering.cost_history),
        medoid_history=torch.from_numpy(clustering.medoid_history),
    )
