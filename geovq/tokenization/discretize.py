"""Makes a post-hoc tokenizer from a decoder and lattices: landmarks, their metric, and the fit that the table names."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.catalogue.references import named_object
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.config import DiscretizationConfig
from geovq.geometry import LandmarkSample, measure_geometry, sample_landmarks
from geovq.geometry.metric.decoder_check import check_decoder
from geovq.geometry.metric.footprint import Decode
from geovq.progress import Progress
from geovq.tokenization.base import Fit, Tokenizer
from geovq.tokenization.search import refine_codebook


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
        `config.method` is the name of a post-hoc tokenizer in `geovq.catalogue.tokenizers`.
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
    check_decoder(decoder, lattices, needs_derivative=False)  # who takes it checks it
    sample = sample_landmarks(
        lattices, config, seed=config.seed, decoder=decoder, device=lattices.device, progress=progress
    )

    def metrics() -> Tensor:
        return measure_geometry(decoder, sample, config, device=lattices.device, progress=progress).metrics

    def decode(batch: Tensor) -> Tensor:
        return decoder(batch.to(lattices.device)).cpu()

    tokenizer = fit_tokenizer(sample, metrics, config, decode=decode, progress=progress)
    if not config.refine_rounds:
        return tokenizer
    assert sample.image_indices is not None  # it was drawn above
    measured = lattices[sample.image_indices.to(lattices.device)]
    with torch.no_grad():
        images = decoder(measured)
    refined = refine_codebook(decoder, tokenizer, measured, images, config.refine_rounds, progress=progress)
    return refined.tokenizer


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
        The decoder, from and to the CPU; needed by methods that look at pictures themselves, such as "prototype".
    progress : Progress, optional

    Returns
    -------
    Tokenizer

    Raises
    ------
    InvalidValueError
        If a method needs `decode` and there is none.
    """
    fit: Fit = named_object(TOKENIZERS[config.method].fit)
    return fit(sample, metrics, config, decode=decode, progress=progress)
