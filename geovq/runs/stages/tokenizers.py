"""Stages around a trained autoencoder and its priors: geometry, tokenizers, tokens, samples."""

import io
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from geovq.artifacts import write_bytes_atomic
from geovq.catalogue.datasets import Split
from geovq.generation import sample_tokens
from geovq.geometry import load_geometry, measure_geometry, sample_landmarks
from geovq.geometry.landmarks import draw_images
from geovq.models import LatticePrior, LatticeVAE, LatticeVQVAE, load_model
from geovq.runs.layout import (
    GEOMETRY_FILE,
    prior_file,
    samples_file,
    tokenizer_file,
    tokens_before_refit_file,
    tokens_file,
)
from geovq.runs.stages.token_rules import joint_rule, own_rule
from geovq.runs.stages.workspace import Decoder, Workspace, images_of_geometry, load_decoder, smallest_integers
from geovq.tokenization import NearestCodeTokenizer, Tokenizer, fit_tokenizer, load_tokenizer
from geovq.tokenization.search import refine_codebook

_N_REFINING_IMAGES = 2_000  # training images whose tokens move the codes of a codebook
SPLITS: tuple[Split, ...] = ("train", "test")


def measure_metric_field(work: Workspace) -> None:
    """Sample landmarks from the training split and pull the decoder's metric back to them."""
    config = work.config
    images = work.images("train")
    chosen = images_of_geometry(config, len(images))
    model = work.autoencoder("riemannian")
    work.progress.start("encoding", len(chosen), "images")
    lattices = work.encode(model, images.subset(chosen))
    sample = sample_landmarks(
        lattices,
        config.geometry,
        seed=config.seed,
        image_indices=chosen,
        decoder=model.decode,
        device=work.device,
        progress=work.progress,
    )
    geometry = measure_geometry(model.decode, sample, config.geometry, device=work.device, progress=work.progress)
    geometry.save(work.path / GEOMETRY_FILE)
    graph, subspace = sample.graph, sample.subspace
    components = "one piece" if graph.n_components == 1 else f"{graph.n_components} pieces, which were joined"
    work.progress.note(
        f"{subspace.sentence()}; the graph has {len(graph.tails):,} edges and was in {components}; "
        f"{sample.n_duplicates:,} landmarks lie exactly on another."
    )
    if geometry.colouring is not None:
        work.progress.note(geometry.colouring.sentence())


def make_tokenizer(work: Workspace, name: str) -> None:
    """Write one tokenizer."""
    fitted(work, name).save(work.path / tokenizer_file(name))


def fitted(work: Workspace, name: str) -> Tokenizer:
    """One tokenizer, fitted on the run's geometry, or a VQ-VAE's own codebook."""
    model = work.autoencoder(name)
    if isinstance(model, LatticeVQVAE):
        return NearestCodeTokenizer(name, model.codebook.detach().cpu())
    geometry = load_geometry(work.path / GEOMETRY_FILE)

    def decode(lattices: Tensor) -> Tensor:
        return model.decode(lattices.to(work.device)).cpu()

    config = work.config.discretization(name)
    tokenizer = fit_tokenizer(geometry.sample, lambda: geometry.metrics, config, decode=decode, progress=work.progress)
    if config.refine_rounds:
        return _refined(work, model, tokenizer, config.refine_rounds)
    return tokenizer


def _refined(work: Workspace, model: LatticeVAE, tokenizer: Tokenizer, n_rounds: int) -> Tokenizer:
    train, search = work.images("train"), work.config.search
    n_images = min(_N_REFINING_IMAGES, len(train))
    drawn = draw_images(len(train), n_images, seed=work.config.seed, stream="codebook/refining")
    pixels = train.batch(drawn).to(work.device)
    refined = refine_codebook(
        model.decode,
        tokenizer,
        model.encode(pixels).detach(),
        pixels,
        n_rounds,
        bit_price=search.bit_price,
        n_candidates=search.n_candidates,
        prices=search.prices,
        progress=work.progress,
    )
    work.progress.note(refined.sentence())
    return refined.tokenizer


def tokenize(work: Workspace, name: str, splits: tuple[Split, ...] = SPLITS) -> None:
    """Tokens of the training and the test images, or of one of them, chosen together where the run asks for it."""
    if work.config.is_searched_again(name):
        decoder: Decoder = load_decoder(work.path, name, work.device)
    else:
        decoder = work.autoencoder(name)
    _write_tokens(work, name, decoder, work.path / tokens_file(name), splits)


def tokenize_before_refit(work: Workspace, name: str, splits: tuple[Split, ...] = SPLITS) -> None:
    """Tokens that a decoder is refitted to before tokens are chosen again, for that decoder."""
    _write_tokens(work, name, work.autoencoder(name), work.path / tokens_before_refit_file(name), splits)


def _write_tokens(work: Workspace, name: str, decoder: Decoder, file: Path, splits: tuple[Split, ...]) -> None:
    model, tokenizer = work.autoencoder(name), load_tokenizer(work.path / tokenizer_file(name))
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    joint = name in work.config.joint
    choose = joint_rule(work, model, tokenizer, decoder=decoder) if joint else own_rule(work, model, tokenizer)
    for split in splits:
        images = work.images(split)
        work.progress.start(f"{split} tokens", len(images), "images")
        parts = torch.split(torch.arange(len(images)), 4_096)  # lattices of 60,000 images need not be held at once
        tokens = torch.cat([choose(images.subset(part)) for part in parts])
        arrays[split] = smallest_integers(tokens, tokenizer.n_codes)
    write_arrays(file, arrays)


def draw_samples(work: Workspace, name: str) -> None:
    """Draw from the prior and decode."""
    config = work.config.sampling
    prior = load_model(work.path / prior_file(name), work.device)
    assert isinstance(prior, LatticePrior)
    model, tokenizer = work.autoencoder(name), load_tokenizer(work.path / tokenizer_file(name))
    tokens = sample_tokens(
        prior,
        config.n_samples,
        temperature=config.temperature,
        top_p=config.top_p,
        seed=work.config.seed,
        progress=work.progress,
    )
    work.progress.start("decoding", len(tokens), "images")
    images = (work.decode(model, tokenizer.decode(tokens)).squeeze(1) * 255).round().byte().numpy()
    write_arrays(
        work.path / samples_file(name), {"tokens": smallest_integers(tokens, tokenizer.n_codes), "images": images}
    )


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    """Write a compressed npz, whole or not at all."""
    buffer, named = io.BytesIO(), cast(dict[str, Any], arrays)  # numpy's own options would be misread as arrays
    np.savez_compressed(buffer, **named)
    write_bytes_atomic(path, buffer.getvalue())
