"""Codebooks for landmark tokenizers: k-medoids on squared graph distances."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.codebook import kmedoids
from geovq.config import DiscretizationConfig
from geovq.geometry import LandmarkSample, Metric, geodesic_distances
from geovq.progress import Progress
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
    distances = geodesic_distances(sample.graph.weighted(lengths), progress=progress)
    clustering = kmedoids(
        np.square(distances, out=distances),
        config.n_codes,
        n_restarts=config.n_restarts,
        max_iterations=config.max_iterations,
        seed=config.seed,
        progress=progress,
    )
    medoids = clustering.medoid_indices
    to_medoid = np.sqrt(distances[np.arange(len(points)), medoids[clustering.labels]])
    return LandmarkTokenizer(
        method=config.method,
        codebook=sample.landmark_latents[torch.from_numpy(medoids)],
        subspace=sample.subspace,
        landmarks=points,
        metrics=tensors,
        label=torch.from_numpy(clustering.labels),
        distance_to_medoid=torch.from_numpy(to_medoid),
        medoid_indices=torch.from_numpy(medoids),
        n_candidates=config.n_candidates,
        cost_history=torch.from_numpy(clustering.cost_history),
        medoid_history=torch.from_numpy(clustering.medoid_history),
    )
