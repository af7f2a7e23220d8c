"""Stages that train a network: the autoencoders and the priors."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from geovq.config import TrainingConfig
from geovq.data import split_indices, split_validation
from geovq.errors import Cancelled
from geovq.models import LatticePrior, LatticeVAE, LatticeVQVAE, initialised, save_model
from geovq.runs.layout import RESUME_FOLDER, model_file, prior_file, tokens_file
from geovq.runs.workspace import Workspace
from geovq.training import Examples, Objective, PriorObjective, TokenSet, VAEObjective, VQVAEObjective, fit


def train_vae(work: Workspace, input_digest: str) -> None:
    """Train the lattice VAE on the training split."""
    config = work.config
    model = initialised(lambda: LatticeVAE(config.vae), config.seed, "vae/weights")
    _train_on_images(work, "vae", model, VAEObjective(config.vae.beta), config.vae_training, input_digest)


def train_vqvae(work: Workspace, input_digest: str) -> None:
    """Train the VQ-VAE, codebook included, on the training split."""
    config = work.config
    model = initialised(lambda: LatticeVQVAE(config.vqvae, config.codebook.n_codes), config.seed, "vqvae/weights")
    objective = VQVAEObjective(config.vqvae.commitment)
    _train_on_images(work, "vqvae", model, objective, config.vqvae_training, input_digest)


def train_prior(work: Workspace, tokenizer: str, input_digest: str) -> None:
    """Train the Transformer prior on the tokens of the training images."""
    config, stage = work.config, f"prior:{tokenizer}"
    model = initialised(lambda: LatticePrior(config.prior, config.codebook.n_codes), config.seed, f"{stage}/weights")
    with np.load(work.path / tokens_file(tokenizer), allow_pickle=False) as arrays:
        tokens = torch.from_numpy(arrays["train"].astype(np.int64))
    # The images that are set aside are the same for every prior and for the autoencoders.
    training, validation = split_indices(work.images("train").labels, config.data.validation_fraction, config.seed)
    examples = TokenSet(tokens[training]).to(work.device), TokenSet(tokens[validation]).to(work.device)
    _fit(work, stage, model, PriorObjective(), examples, config.prior_training, input_digest)
    save_model(work.path / prior_file(tokenizer), model)


def _train_on_images(
    work: Workspace, stage: str, model: nn.Module, objective: Objective, config: TrainingConfig, input_digest: str
) -> None:
    images = work.images("train")
    train, validation = split_validation(images, work.config.data.validation_fraction, work.config.seed)
    _fit(work, stage, model, objective, (train.to(work.device), validation.to(work.device)), config, input_digest)
    save_model(work.path / model_file(stage), model)


def _fit(
    work: Workspace,
    stage: str,
    model: nn.Module,
    objective: Objective,
    examples: tuple[Examples, Examples],
    config: TrainingConfig,
    input_digest: str,
) -> None:
    result = fit(
        model,
        objective,
        *examples,
        config,
        stage=stage,
        seed=work.config.seed,
        device=work.device,
        checkpoint=checkpoint_file(work.path, stage, input_digest),
        progress=work.progress,
    )
    if result.cancelled:
        raise Cancelled(f"{stage} was cancelled after {result.steps} steps, which are saved.")


def checkpoint_file(run_path: Path, stage: str, input_digest: str) -> Path:
    """Training state of a stage that is not finished; other inputs have another file, so they can never be mixed."""
    return run_path / RESUME_FOLDER / f"{stage.replace(':', '-')}-{input_digest[:16]}.safetensors"
