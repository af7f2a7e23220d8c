"""Codebooks for landmark tokenizers: k-medoids on graph distances."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import MedoidSolver, codebook_solver
from geovq.config import DiscretizationConfig
from geovq.geometry import ActiveSubspace, LandmarkSample, Metric
from geovq.progress import Progress
from geovq.tokenization.code_count import choose_codes
from geovq.tokenization.landmark import LandmarkTokenizer


def fit_landmark_tokenizer(
    sample: LandmarkSample,
    metric: Metric,
    tensors: Float[Tensor, "n a a"],
    config: DiscretizationConfig,
    *,
    progress: Progress | None = None,
) -> LandmarkTokenizer:
    """k-medoids on squared graph distances.

    Parameters
    ----------
    sample : LandmarkSample
    metric : Metric
        Measures the edges of the graph.
    tensors : Tensor of shape (N, A, A)
        Measures the last step, from a cell to a landmark.
    config : DiscretizationConfig
    progress : Progress, optional
    """
    points = sample.landmarks
    lengths = metric.edge_lengths(points.numpy(), sample.graph.tails, sample.graph.heads)
    solver = codebook_solver(sample.graph.weighted(lengths), config, seed=config.seed, progress=progress)
    return solved_tokenizer(
        solver, sample.landmark_latents, sample.subspace, tensors, config, config.n_candidates, progress=progress
    )


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
