"""Stages that train a network: the autoencoders, the refitted decoders and the priors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn

from geovq.catalogue.references import named_object
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.config import TrainingConfig
from geovq.data import ImageSet, split_indices, split_validation
from geovq.errors import Cancelled
from geovq.models import LatticeDecoder, LatticePrior, LatticeVAE, LatticeVQVAE, initialised, save_model
from geovq.randomness import make_generator
from geovq.runs.layout import (
    RESUME_FOLDER,
    decoder_file,
    model_file,
    prior_file,
    tokenizer_file,
    tokens_before_refit_file,
    tokens_file,
)
from geovq.runs.stages.snapshots import N_IMAGES, snapshots
from geovq.runs.stages.workspace import Autoencoder, Workspace
from geovq.tokenization import load_tokenizer
from geovq.training import (
    Examples,
    Objective,
    PriorObjective,
    QuantizedImages,
    RefitObjective,
    Repeated,
    TokenSet,
    VAEObjective,
    VQVAEObjective,
    fit,
    processes,
)


def train_vae(work: Workspace, input_digest: str) -> None:
    """Train the lattice VAE on the training split."""
    config, data = work.config, work.config.data.description
    model = initialised(lambda: LatticeVAE(config.vae, data.image_shape, data.n_halvings), config.seed, "vae/weights")
    objective = VAEObjective(config.vae.beta, config.vae.beta_warmup, config.vae.free_bits)
    _train_on_images(work, "vae", model, objective, config.vae_training, input_digest)


def train_vqvae(work: Workspace, name: str, input_digest: str) -> None:
    """Train one of the models that bring a codebook, codebook included, on the training split.

    Outside the codebook they start equal, but for what their descriptions ask for.
    """
    config, data = work.config, work.config.data.description
    vqvae: type[LatticeVQVAE] = named_object(TOKENIZERS[name].autoencoder)
    model = initialised(
        lambda: vqvae(config.vqvae, config.codebook.n_codes, data.image_shape, data.n_halvings),
        config.seed,
        "vqvae/weights",
    )
    if TOKENIZERS[name].starts_at_mean:
        # Measured on MNIST (6,000 images, 6 epochs, one seed), test MSE and codes in use, without and with it:
        # fsq 0.0181 (4 of 60), 0.0067 (39); simvq 0.0125 (20 of 64), 0.0089 (61).
        pixels = work.images("train").images
        model.decoder.start_at(pixels.sum(dtype=torch.int64).item() / pixels.numel() / 255)
    objective = VQVAEObjective(config.vqvae.commitment)
    _train_on_images(work, name, model, objective, config.vqvae_training, input_digest)


def refit_decoder(work: Workspace, tokenizer: str, input_digest: str) -> None:
    """Refit a copy of the decoder to a tokenizer's codes: images from the tokens that they already have."""
    codebook = load_tokenizer(work.path / tokenizer_file(tokenizer)).codebook
    searched_again = work.config.is_searched_again(tokenizer)
    file = tokens_before_refit_file(tokenizer) if searched_again else tokens_file(tokenizer)
    examples = QuantizedImages(work.images("train"), _training_tokens(work, file), codebook)
    model = refitted(work, f"refit:{tokenizer}", work.autoencoder(tokenizer), examples, input_digest)
    _save(model, work.path / decoder_file(tokenizer))


def refitted(
    work: Workspace, stage: str, autoencoder: Autoencoder, examples: QuantizedImages, input_digest: str
) -> LatticeDecoder:
    """A copy of an autoencoder's decoder, trained on with images and the tokens that they have."""
    config, model = work.config, LatticeDecoder.of(autoencoder)
    train, validation = (
        examples.subset(part).to(work.device)
        for part in split_indices(examples.images.labels, config.data.validation_fraction, config.seed)
    )
    # One pass over as many draws as the steps need: its length does not depend on the number of images.
    n_drawn = config.refit.n_steps * config.refit.batch_size
    drawn = Repeated(train, n_drawn, make_generator(config.seed, f"{stage}/repeated"), work.device)
    training = TrainingConfig(epochs=1, batch_size=config.refit.batch_size, learning_rate=config.refit.learning_rate)
    _fit(work, stage, model, RefitObjective(), (drawn, validation), training, input_digest)
    return model


def train_prior(work: Workspace, tokenizer: str, input_digest: str) -> None:
    """Train the Transformer prior on the tokens of the training images."""
    n_codes = load_tokenizer(work.path / tokenizer_file(tokenizer)).n_codes  # chosen with the codebook, not configured
    tokens, images = _training_tokens(work, tokens_file(tokenizer)), work.images("train")
    model = trained_prior(work, f"prior:{tokenizer}", n_codes, tokens, images, input_digest)
    _save(model, work.path / prior_file(tokenizer))


def trained_prior(
    work: Workspace, stage: str, n_codes: int, tokens: Int64[Tensor, "n h w"], images: ImageSet, input_digest: str
) -> LatticePrior:
    """The Transformer prior, trained on the tokens of images."""
    config = work.config
    # The images that are set aside are the same for every prior and for the autoencoders.
    training, validation = split_indices(images.labels, config.data.validation_fraction, config.seed)
    labels = images.labels if config.prior.class_conditional else None
    counts = None if labels is None else labels[training].bincount(minlength=len(images.class_names)).tolist()
    model = initialised(
        lambda: LatticePrior(config.prior, n_codes, *tokens.shape[1:], class_counts=counts),
        config.seed,
        f"{stage}/weights",
    )
    sequences = TokenSet(tokens, labels).to(work.device)
    examples = sequences.subset(training), sequences.subset(validation)
    _fit(work, stage, model, PriorObjective(), examples, config.prior_training, input_digest)
    return model


def _training_tokens(work: Workspace, file: str) -> Tensor:
    with np.load(work.path / file, allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["train"].astype(np.int64))


def _train_on_images(
    work: Workspace, stage: str, model: Autoencoder, objective: Objective, config: TrainingConfig, input_digest: str
) -> None:
    images = work.images("train")
    train, validation = split_validation(images, work.config.data.validation_fraction, work.config.seed)
    held_out = work.images("test")
    shown = held_out.batch(torch.arange(min(N_IMAGES, len(held_out)))).to(work.device)
    take = snapshots(work.path, stage, model, shown, config.epochs)
    examples = train.to(work.device), validation.to(work.device)
    _fit(work, stage, model, objective, examples, config, input_digest, after_epoch=take)
    _save(model, work.path / model_file(stage))


def _fit(
    work: Workspace,
    stage: str,
    model: nn.Module,
    objective: Objective,
    examples: tuple[Examples, Examples],
    config: TrainingConfig,
    input_digest: str,
    *,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    group = processes()
    if group.is_main:
        group.agree((stage, input_digest))  # `follow` waits for this in the other processes
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
        processes=group,
        after_epoch=after_epoch,
    )
    if result.cancelled:
        raise Cancelled(f"{stage} was cancelled after {result.steps} steps, which are saved.")


def _save(model: nn.Module, path: Path) -> None:
    if processes().is_main:
        save_model(path, model)


def checkpoint_file(run_path: Path, stage: str, input_digest: str) -> Path:
    """Training state of a stage that is not finished; other inputs have another file, so they can never be mixed."""
    return run_path / RESUME_FOLDER / f"{stage.replace(':', '-')}-{input_digest[:16]}.safetensors"
