"""Measuring one cell of a study: its codebook, its tokens, what they are decoded to, and what they cost."""

import math
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from geovq.artifacts import digest_of
from geovq.data import ImageSet
from geovq.evaluation import distortion, prior_likelihood, reconstruction, token_usage
from geovq.geometry.landmarks import draw_images
from geovq.progress import SilentProgress
from geovq.runs.stages.plan import plan
from geovq.runs.stages.token_rules import TokenRule, joint_rule, own_rule
from geovq.runs.stages.tokenizers import fitted
from geovq.runs.stages.training import refitted, trained_prior
from geovq.runs.stages.workspace import Autoencoder, Decoder, Workspace
from geovq.study.cells import Cell
from geovq.study.table import VAE, StudyRow
from geovq.tokenization import Tokenizer, load_tokenizer
from geovq.training import QuantizedImages, resolve_device

_PART = 4_096  # images whose lattices are held at once

Arrays = dict[str, NDArray[Any]]


def measure_cell(cell: Cell, run_path: Path, out: Path) -> tuple[StudyRow, Arrays]:
    """The row of a cell, and what it was computed from, per image.

    Parameters
    ----------
    cell : Cell
    run_path : Path
        The run that holds its autoencoder.
    out : Path
        Folder of the study, where codebooks are kept for other cells.

    Returns
    -------
    row : StudyRow
    arrays : dict of str to ndarray of shape (n,)
        "images", places in the test split; "errors", mean squared pixel differences; where there are tokens "bits", the
        mean cost of an image's tokens at the prices -log2 p of all tokens; with a prior "prior_bits", the cost of all
        its tokens under the prior.

    Raises
    ------
    GeovqError
        If a part of it cannot be made.
    """
    began = time.monotonic()
    work = Workspace(run_path, cell.config, resolve_device(cell.config.device), SilentProgress())
    places, images = _drawn(work.images("test"), cell.n_images, "study/test")
    model = work.autoencoder(cell.tokenizer)
    if cell.tokenizer == VAE:
        measured, arrays = _measured_pixels(images, work.decode(model, work.encode(model, images)))
    else:
        measured, arrays = _measured_tokens(cell, work, out, model, images)
    arrays["images"] = places.numpy().astype(np.int32)
    return cell.row(n_images=len(images), seconds=round(time.monotonic() - began, 3), **measured), arrays


def discard_training_state(cell: Cell, out: Path) -> None:
    """Remove what a cell's training would have gone on from."""
    shutil.rmtree(_unfinished(cell, out), ignore_errors=True)


def _unfinished(cell: Cell, out: Path) -> Path:
    return out / "unfinished" / cell.key


def _measured_tokens(
    cell: Cell, work: Workspace, out: Path, model: Autoencoder, images: ImageSet
) -> tuple[dict[str, Any], Arrays]:
    tokenizer = _codebook(cell, work, out)
    rule = own_rule(work, model, tokenizer)
    if cell.is_joint:
        rule = joint_rule(work, model, tokenizer, n_price_images=cell.n_price_images)
    unfinished = replace(work, path=_unfinished(cell, out))
    decoder: Decoder = model
    if cell.n_refit_images:
        few = _drawn(work.images("train"), cell.n_refit_images, "study/refit")[1]
        examples = QuantizedImages(few, _in_parts(rule, few), tokenizer.codebook)
        decoder = refitted(unfinished, "refit", model, examples, cell.key).to(work.device)
        if cell.is_joint:  # tokens are chosen anew, for the decoder that they will be decoded with
            rule = joint_rule(work, model, tokenizer, decoder=decoder, n_price_images=cell.n_price_images)
    tokens = _in_parts(rule, images)
    quantized = tokenizer.decode(tokens)
    measured, arrays = _measured_pixels(images, work.decode(decoder, quantized))
    lattices = work.encode(model, images)
    measured["distortion"] = distortion(lambda batch: work.decode(model, batch), lattices, quantized).mean
    usage = token_usage(tokens, tokenizer.n_codes)
    measured |= {"bits_per_token": usage.entropy_bits, "used_codes": usage.n_used}
    costs = -np.log2(usage.probabilities, where=usage.probabilities > 0, out=np.zeros_like(usage.probabilities))
    arrays["bits"] = costs[tokens.numpy()].mean(axis=(1, 2)).astype(np.float32)
    if cell.has_prior:
        nats = _prior_nats(cell, unfinished, tokenizer, rule, tokens)
        arrays["prior_bits"] = (nats / math.log(2)).astype(np.float32)
        measured["prior_bits_per_image"] = float(nats.mean()) / math.log(2)
        measured["description_length"] = measured["bce"] + float(nats.mean())
    return measured, arrays


def _codebook(cell: Cell, work: Workspace, out: Path) -> Tokenizer:
    """The cell's tokenizer, which other cells share."""
    shared = ("vae", "geometry", cell.tokenizer, f"tokenizer:{cell.tokenizer}")
    settings = {stage.name: stage.settings for stage in plan(cell.config) if stage.name in shared}
    file = out / "codebooks" / f"{cell.tokenizer}-{digest_of(settings)[:16]}.safetensors"
    if file.exists():
        return load_tokenizer(file)
    tokenizer = fitted(work, cell.tokenizer)
    tokenizer.save(file)
    return tokenizer


def _prior_nats(
    cell: Cell, work: Workspace, tokenizer: Tokenizer, rule: TokenRule, tokens: Int64[Tensor, "n h w"]
) -> NDArray[np.float64]:
    """Cost of every image's tokens under a prior that learned from the training images' tokens."""
    train = _drawn(work.images("train"), cell.n_prior_images, "study/prior")[1]
    prior = trained_prior(work, "prior", tokenizer.n_codes, _in_parts(rule, train), train, cell.key)
    prior = prior.to(work.device)
    return prior_likelihood(lambda batch: prior(batch.to(work.device)), tokens).per_image_nats


def _measured_pixels(images: ImageSet, means: Float[Tensor, "n c height width"]) -> tuple[dict[str, Any], Arrays]:
    found = reconstruction(images.batch(torch.arange(len(images))), means)
    ssim = None if math.isnan(found.ssim) else found.ssim
    measured = {"mse": found.mse, "psnr": found.psnr_db, "ssim": ssim, "bce": found.bce_nats_per_image}
    return measured, {"errors": found.per_image_mse.astype(np.float32)}


def _drawn(images: ImageSet, n_images: int | None, stream: str) -> tuple[Int64[Tensor, " n"], ImageSet]:
    """Places and images: the same for every seed of the study, and the fewer among the more."""
    if n_images is None:
        return torch.arange(len(images)), images
    places = draw_images(len(images), n_images, seed=0, stream=stream)
    return places, images.subset(places)


def _in_parts(rule: TokenRule, images: ImageSet) -> Int64[Tensor, "n h w"]:
    parts = torch.split(torch.arange(len(images)), _PART)
    return torch.cat([rule(images.subset(part)) for part in parts])
