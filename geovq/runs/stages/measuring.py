"""Stages that measure, on held-out images only."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geovq.artifacts import write_json
from geovq.evaluation import distortion, prior_likelihood, reconstruction, token_usage
from geovq.models import LatticePrior, LatticeVAE, load_model
from geovq.progress import stop_if_requested
from geovq.runs.layout import (
    evaluation_file,
    prior_file,
    tokenizer_file,
    tokens_before_refit_file,
    tokens_file,
)
from geovq.runs.stages.sample_quality import measure_samples
from geovq.runs.stages.workspace import BATCH_SIZE, Autoencoder, Decoder, Workspace, load_autoencoder, load_decoder
from geovq.tokenization import Tokenizer, load_tokenizer

Measurements = dict[str, Any]  # JSON values


def evaluate_vae(work: Workspace) -> None:
    """Write the measurements of the continuous autoencoder."""
    write_json(work.path / evaluation_file("vae"), measure_vae(work))


def evaluate_tokenizer(work: Workspace, name: str) -> None:
    """Write the measurements of one tokenizer and its prior."""
    write_json(work.path / evaluation_file(name), measure_tokenizer(work, name))


def measure_vae(work: Workspace) -> Measurements:
    """Reconstruction from posterior means, and the KL term, of the test images."""
    images = work.images("test")
    model = load_autoencoder(work.path, "vae", work.device)
    assert isinstance(model, LatticeVAE)
    work.progress.start("reconstruction", 3 * len(images), "images")  # encoded, decoded, and for the KL term
    lattices = work.encode(model, images)
    pixels = images.batch(torch.arange(len(images)))
    measured = reconstruction(pixels, work.decode(model, lattices)).summary()
    return _known({"autoencoder": "vae", "split": "test", "seed": work.config.seed, **measured, **_kl(work, model)})


def measure_tokenizer(work: Workspace, name: str) -> Measurements:
    """Distortion, reconstruction and rate; if there is a prior, the cost of the tokens and the quality of its samples.

    Keys with "refit_" are of the refitted decoder. Distortion has no such key: it is defined for the decoder that
    belongs to the lattices. Where tokens were chosen together, keys with "own_rule_" are of those that the tokenizer
    chooses cell by cell. Where they were chosen for the refitted decoder, keys with "before_refit_" are of those that
    it was trained on, as the autoencoder decodes them; all others are of the tokens that the prior learned.
    """
    images = work.images("test")
    model, tokenizer = work.autoencoder(name), load_tokenizer(work.path / tokenizer_file(name))
    tokens = _test_tokens(work, tokens_file(name))
    quantized = tokenizer.decode(tokens)
    decoders = _decoders(work, name, model)
    # Encoded, decoded twice for the distortion, once by each decoder, and once more for each other choice of tokens.
    n_passes = 3 + len(decoders) + (name in work.config.joint) + work.config.is_searched_again(name)
    work.progress.start("distortion", n_passes * len(images), "images")
    lattices = work.encode(model, images)

    def decode(batch: Tensor) -> Tensor:
        stop_if_requested(work.progress)
        work.progress.advance(len(batch))
        return model.decode(batch.to(work.device)).cpu()

    measured: Measurements = {"tokenizer": name, "split": "test", "seed": work.config.seed}
    measured |= distortion(decode, lattices, quantized).summary()
    pixels = images.batch(torch.arange(len(images)))
    for prefix, decoder in decoders.items():
        measured |= _named(prefix, reconstruction(pixels, work.decode(decoder, quantized)).summary())
    measured |= token_usage(tokens, tokenizer.n_codes).summary()
    if name in work.config.joint:
        own = tokenizer.encode(lattices)
        measured |= _error_and_rate(work, "own_rule_", model, tokenizer, own, pixels)
    if work.config.is_searched_again(name):
        before = _test_tokens(work, tokens_before_refit_file(name))
        measured |= _error_and_rate(work, "before_refit_", model, tokenizer, before, pixels)
    if name in work.config.priors:
        measured |= _prior_measurements(work, name, tokens, images.labels)
        of_class = measured.get("prior_class_nats_per_image", 0.0)  # the class must be sent too
        for prefix in decoders:
            measured[f"{prefix}description_length_nats"] = (
                measured[f"{prefix}bce_nats_per_image"] + measured["prior_nats_per_image"] + of_class
            )
        measured |= measure_samples(work, name, decoders)
    return _known(measured)


def _known(measured: Measurements) -> Measurements:
    """Without what is not a number, which JSON cannot say: one image has no standard error."""
    return {key: value for key, value in measured.items() if not (isinstance(value, float) and math.isnan(value))}


def _decoders(work: Workspace, name: str, autoencoder: Autoencoder) -> dict[str, Decoder]:
    """What a tokenizer's lattices are decoded with, by the prefix of the measurements."""
    if name not in work.config.refits:
        return {"": autoencoder}
    return {"": autoencoder, "refit_": load_decoder(work.path, name, work.device)}


def _named(prefix: str, summary: Measurements) -> Measurements:
    """Keys with a prefix, except the number of images, which is the same for all."""
    return {key if key == "n_images" else f"{prefix}{key}": value for key, value in summary.items()}


def _test_tokens(work: Workspace, file: str) -> Tensor:
    with np.load(work.path / file, allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["test"].astype(np.int64))


def _error_and_rate(
    work: Workspace, prefix: str, model: Autoencoder, tokenizer: Tokenizer, tokens: Tensor, pixels: Tensor
) -> Measurements:
    error = reconstruction(pixels, work.decode(model, tokenizer.decode(tokens)))
    rate = token_usage(tokens, tokenizer.n_codes)
    return _named(prefix, {"mse": error.mse, "entropy_bits": rate.entropy_bits})


def _prior_measurements(work: Workspace, name: str, tokens: Tensor, labels: Tensor) -> Measurements:
    prior = load_model(work.path / prior_file(name), work.device)
    assert isinstance(prior, LatticePrior)
    work.progress.start("likelihood", len(tokens), "images")

    def logits_of(*batch: Tensor) -> Tensor:  # tokens, then labels if the prior is told them
        stop_if_requested(work.progress)
        work.progress.advance(len(batch[0]))
        return prior(*(part.to(work.device) for part in batch))  # type: ignore[no-any-return]

    if prior.class_counts is None:
        return dict(prior_likelihood(logits_of, tokens).summary())
    counts = torch.tensor(prior.class_counts, dtype=torch.float64)
    class_nats = -(counts / counts.sum()).log()[labels].mean().item()
    given_class = prior_likelihood(logits_of, tokens, labels=labels).summary()
    return {**given_class, "prior_class_nats_per_image": class_nats}


@torch.no_grad()
def _kl(work: Workspace, model: LatticeVAE) -> Measurements:
    images = work.images("test")
    per_channel = torch.zeros(model.config.latent_channels, dtype=torch.float64)
    for rows in torch.split(torch.arange(len(images)), BATCH_SIZE):
        stop_if_requested(work.progress)
        posterior = model.posterior(images.batch(rows).to(work.device))
        per_channel += posterior.kl_nats().sum(dim=(0, 2, 3)).double().cpu()
        work.progress.advance(len(rows))
    per_channel /= len(images)
    return {"kl_nats_per_image": float(per_channel.sum()), "kl_nats_per_channel": per_channel.tolist()}
