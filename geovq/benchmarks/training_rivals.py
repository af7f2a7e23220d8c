"""What the benchmark of training times: our loop and our cache, and the same work as it is usually done.

Everything here runs in a process of its own, so arguments and results are plain.
"""

import resource
import struct
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from geovq.catalogue.datasets import DATASETS
from geovq.config import PriorConfig, PriorTrainingConfig, TrainingConfig, VAEConfig
from geovq.data import ImageSet, load_images
from geovq.generation import filter_logits, sample_tokens
from geovq.models import LatticePrior, LatticeVAE, initialised
from geovq.randomness import make_generator
from geovq.training import Draws, PriorObjective, TokenSet, VAEObjective, fit, resolve_device

DATASET = DATASETS["mnist-sample"]
BATCH_SIZE = 128
N_CODES = 64
SAMPLES_AT_ONCE = 64


def our_vae_epoch(n_images: int, config: VAEConfig) -> None:
    """One epoch of `geovq.training.fit`, with its checkpoints."""
    images = _images(n_images)
    training = TrainingConfig(epochs=1, batch_size=BATCH_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            _vae(config),
            VAEObjective(config.beta),
            images,
            images.subset(torch.arange(1)),
            training,
            stage="vae",
            seed=0,
            device="auto",
            checkpoint=Path(folder) / "state",
        )


def usual_vae_epoch(folder: str, n_workers: int, config: VAEConfig) -> None:
    """The same epoch through a `DataLoader` that reads, converts and collates image by image."""
    device, model, objective = resolve_device("auto"), _vae(config), VAEObjective(config.beta)
    model.to(device).train()
    loader = usual_loader(folder, n_workers)
    rate = TrainingConfig().learning_rate
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=len(loader))
    draws = Draws(torch.Generator(device).manual_seed(0))
    total = 0.0
    for images, _ in loader:
        loss, _ = objective.loss(model, images.to(device), draws)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        total += loss.item()


@lru_cache
def usual_loader(folder: str, n_workers: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Shuffled batches of what `write_idx` has written, read one by one; its workers stay from epoch to epoch."""
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor

    dataset = MNIST(folder, train=True, transform=ToTensor())
    return DataLoader(dataset, BATCH_SIZE, shuffle=True, num_workers=n_workers, persistent_workers=n_workers > 0)


def our_prior_epoch(n_sequences: int, config: PriorConfig) -> None:
    """One epoch of `geovq.training.fit` on tokens."""
    tokens = TokenSet(_tokens(n_sequences)).to(resolve_device("auto"))
    with tempfile.TemporaryDirectory() as folder:
        fit(
            _prior(config),
            PriorObjective(),
            tokens,
            TokenSet(tokens.tokens[:1]),
            PriorTrainingConfig(epochs=1, batch_size=BATCH_SIZE),
            stage="prior",
            seed=0,
            device="auto",
            checkpoint=Path(folder) / "state",
        )


def usual_prior_epoch(n_sequences: int, config: PriorConfig) -> None:
    """The same epoch through a `DataLoader` that collates sequence by sequence."""
    device, model, training = resolve_device("auto"), _prior(config), PriorTrainingConfig()
    model.to(device).train()
    loader = DataLoader(TensorDataset(_tokens(n_sequences).flatten(start_dim=1)), BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=training.learning_rate, total_steps=len(loader))
    total = 0.0
    for (batch,) in loader:
        tokens = batch.to(device)
        logits = model(tokens)
        loss = torch.nn.functional.cross_entropy(logits.flatten(end_dim=1), tokens.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clip)
        optimizer.step()
        schedule.step()
        total += loss.item()


def sample_with_cache(n_samples: int, config: PriorConfig, temperature: float = 1.0) -> Tensor:
    """Token lattices from `geovq.generation.sample_tokens`, (n, H, W)."""
    prior = _prior(config).to(resolve_device("auto"))
    return sample_tokens(prior, n_samples, temperature=temperature, batch_size=SAMPLES_AT_ONCE)


@torch.no_grad()
def sample_without_cache(n_samples: int, config: PriorConfig, temperature: float = 1.0) -> Tensor:
    """Token lattices from one pass over all positions for each token, (n, H, W)."""
    device = resolve_device("auto")
    prior = _prior(config).to(device).eval()
    tokens = torch.zeros((n_samples, prior.n_positions), dtype=torch.int64, device=device)
    for batch in torch.split(tokens, SAMPLES_AT_ONCE):
        for position in range(prior.n_positions):
            probabilities = filter_logits(prior(batch)[:, position], temperature)
            batch[:, position] = torch.multinomial(probabilities, 1)[:, 0]
    return tokens.reshape(n_samples, prior.height, prior.width).cpu()


def peak_memory_mb() -> dict[str, float]:
    """Most memory that this process has held so far, by kind."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    peak = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20}
    if torch.cuda.is_available():
        peak["GPU"] = torch.cuda.max_memory_allocated() / 2**20
    return peak


def write_idx(images: ImageSet, folder: Path) -> None:
    """Write images where `torchvision.datasets.MNIST` looks for its training split, in MNIST's own format."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    n, _, height, width = images.images.shape
    header = struct.pack(">IIII", 0x803, n, height, width)
    (raw / "train-images-idx3-ubyte").write_bytes(header + images.images.numpy().tobytes())
    labels = images.labels.to(torch.uint8).numpy().tobytes()
    (raw / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + labels)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (raw / name).touch()  # it asks whether they are there


@lru_cache
def _images(n_images: int) -> ImageSet:
    return load_images(DATASET.name, "train", n_images=n_images, device=resolve_device("auto"))


@lru_cache
def _tokens(n_sequences: int) -> Tensor:
    return torch.randint(N_CODES, (n_sequences, *DATASET.lattice_size), generator=make_generator(0, "tokens"))


def _vae(config: VAEConfig) -> LatticeVAE:
    return initialised(lambda: LatticeVAE(config, DATASET.image_shape, DATASET.n_halvings), 0, "vae")


def _prior(config: PriorConfig) -> LatticePrior:
    return initialised(lambda: LatticePrior(config, N_CODES, *DATASET.lattice_size), 0, "prior")
