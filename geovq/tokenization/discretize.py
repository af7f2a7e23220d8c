"""From a decoder and lattices to a tokenizer: the method's paragraph, in one place."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.config import DiscretizationConfig
from geovq.errors import InvalidValueError
from geovq.geometry import EuclideanMetric, LandmarkSample, PullbackMetric, measure_geometry, sample_landmarks
from geovq.geometry.metric.decoder_check import check_decoder
from geovq.geometry.metric.footprint import Decode
from geovq.progress import Progress
from geovq.tokenization.base import Tokenizer
from geovq.tokenization.fit_kmeans import fit_kmeans
from geovq.tokenization.fit_landmarks import fit_landmark_tokenizer
from geovq.tokenization.prototype import fit_prototype


def discretize(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    config: DiscretizationConfig | None = None,
    *,
    progress: Progress | None = None,
) -> Tokenizer:
    """Make a tokenizer for a trained decoder, without training anything.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means, in eval mode; runs on the device of `lattices`.
    lattices : Tensor of shape (n, D, H, W)
        Posterior means of training images; `config.n_images` of them are used.
    config : DiscretizationConfig, optional
        `config.method` chooses between "kmeans", "euclidean", "riemannian" and "prototype".
    progress : Progress, optional

    Returns
    -------
    Tokenizer
        With `encode`, `decode` and `save`; the same config, lattices and machine give the same bytes.

    Raises
    ------
    GeovqError
        With one sentence, if the decoder, the lattices or the numbers in `config` do not fit.
    """
    config = config or DiscretizationConfig()
    check_decoder(decoder, lattices)
    sample = sample_landmarks(lattices, config, seed=config.seed)

    def metrics() -> Tensor:
        return measure_geometry(decoder, sample, config, device=lattices.device, progress=progress).metrics

    def decode(batch: Tensor) -> Tensor:
        return decoder(batch.to(lattices.device)).cpu()

    return fit_tokenizer(sample, metrics, config, decode=decode, progress=progress)


def fit_tokenizer(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> Tokenizer:
    """Tokenizer of one method on a sample that several may share.

    Parameters
    ----------
    sample : LandmarkSample
    metrics : callable
        Returns the context-averaged pullback metric of each landmark, (N, A, A); called only by methods that need it.
    config : DiscretizationConfig
    decode : callable, optional
        The decoder, from and to the CPU; needed by "prototype" only, which differentiates it in its own way.
    progress : Progress, optional

    Raises
    ------
    InvalidValueError
        If "prototype" is asked for without `decode`.
    """
    match config.method:
        case "kmeans":
            return fit_kmeans(sample.cells, config, progress=progress)
        case "euclidean":
            identity = torch.eye(sample.subspace.n_active).repeat(config.n_landmarks, 1, 1)
            return fit_landmark_tokenizer(sample, EuclideanMetric(), identity, config, progress=progress)
        case "riemannian":
            tensors = metrics()
            return fit_landmark_tokenizer(sample, PullbackMetric(tensors.numpy()), tensors, config, progress=progress)
        case "prototype":
            if decode is None:
                raise InvalidValueError("fit_tokenizer needs decode= for the prototype tokenizer; got None.")
            return fit_prototype(decode, sample.lattices, config, progress=progress)
