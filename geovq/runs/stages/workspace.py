"""What a stage works with: the run's settings, its device, and the files that earlier stages wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.catalogue.datasets import Split
from geovq.catalogue.tokenizers import END_TO_END
from geovq.config import DatasetName, ExperimentConfig
from geovq.data import ImageSet, load_images
from geovq.errors import ConfigError, InvalidValueError
from geovq.geometry import LandmarkSample
from geovq.geometry.landmarks import draw_images
from geovq.models import LatticeDecoder, LatticeVAE, LatticeVQVAE, load_model
from geovq.progress import Progress, stop_if_requested
from geovq.runs.layout import decoder_file, model_file

Autoencoder = LatticeVAE | LatticeVQVAE
Decoder = Autoencoder | LatticeDecoder
BATCH_SIZE = 512  # images per forward pass outside training


@dataclass(frozen=True)
class Workspace:
    """One run while it is being made.

    Attributes
    ----------
    path : Path
        Folder of the run.
    config : ExperimentConfig
    device : torch.device
        Where models run.
    progress : Progress
    """

    path: Path
    config: ExperimentConfig
    device: torch.device
    progress: Progress

    def images(self, split: Split) -> ImageSet:
        """Images of a split, as the config limits them, on the CPU."""
        return experiment_images(self.config, split)

    def autoencoder(self, tokenizer: str) -> Autoencoder:
        """The autoencoder whose lattices a tokenizer reads, on the run's device."""
        return load_autoencoder(self.path, tokenizer, self.device)

    def encode(self, model: Autoencoder, images: ImageSet) -> Float[Tensor, "n d h w"]:
        """Lattices of images, on the CPU; the model sits on the run's device."""
        return self.in_batches(len(images), lambda rows: model.encode(images.batch(rows).to(self.device)))

    def decode(self, model: Decoder, lattices: Float[Tensor, "n d h w"]) -> Float[Tensor, "n c rows columns"]:
        """Pixel means of lattices, on the CPU."""
        return self.in_batches(len(lattices), lambda rows: model.decode(lattices[rows].to(self.device)))

    @torch.no_grad()
    def in_batches(self, n: int, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """Results of `compute` on indices 0 to n - 1, a batch at a time, on the CPU; counted, and stopped if asked."""
        results = []
        for rows in torch.split(torch.arange(n), BATCH_SIZE):
            stop_if_requested(self.progress)
            results.append(compute(rows).cpu())
            self.progress.advance(len(rows))
        return torch.cat(results)


def experiment_images(config: ExperimentConfig, split: Split) -> ImageSet:
    """Images of a split, as an experiment limits them: `data.n_train`, `evaluation.n_images`.

    Raises
    ------
    ConfigError
        If the experiment asks for more images than there are.
    DataError
        If the images cannot be read.
    """
    limits = {
        "train": ("data.n_train", config.data.n_train),
        "test": ("evaluation.n_images", config.evaluation.n_images),
    }
    key, limit = limits[split]
    try:
        return _loaded(config.data.dataset, split, limit, config.seed)
    except InvalidValueError as error:
        raise ConfigError(f"{key} does not fit the data set: {error}") from error


@lru_cache(maxsize=2)  # several stages in a row read the same split
def _loaded(dataset: DatasetName, split: Split, n_images: int | None, seed: int) -> ImageSet:
    return load_images(dataset, split, n_images=n_images, seed=seed)


def images_of_geometry(
    config: ExperimentConfig, n_train: int, sample: LandmarkSample | None = None
) -> Int64[Tensor, " n"]:
    """Places, among the training images, of those whose lattices the geometry is measured on.

    Parameters
    ----------
    config : ExperimentConfig
    n_train : int
        Training images of the experiment.
    sample : LandmarkSample, optional
        Of a geometry that was measured: its own record counts. Files of an earlier version have none, and their images
        are drawn again.
    """
    if sample is not None and sample.image_indices is not None:
        return sample.image_indices
    return draw_images(n_train, config.geometry.n_images, seed=config.seed, stream="geometry/images")


def load_autoencoder(run_path: Path, tokenizer: str, device: str | torch.device = "cpu") -> Autoencoder:
    """The autoencoder whose lattices a tokenizer reads: its own for a VQ-VAE, the VAE for all others."""
    model = load_model(run_path / model_file(autoencoder_of(tokenizer)), device)
    assert isinstance(model, LatticeVAE | LatticeVQVAE)
    return model


def load_decoder(run_path: Path, tokenizer: str, device: str | torch.device = "cpu") -> LatticeDecoder:
    """The copy of the decoder that was refitted to the codes of a tokenizer."""
    model = load_model(run_path / decoder_file(tokenizer), device)
    assert isinstance(model, LatticeDecoder)
    return model


def autoencoder_of(tokenizer: str) -> str:
    """Name of the autoencoder that a tokenizer belongs to."""
    return tokenizer if tokenizer in END_TO_END else "vae"


def smallest_integers(tokens: Tensor, n_codes: int) -> npt.NDArray[np.generic]:
    """Tokens in the smallest type that holds them, for the disk."""
    return np.asarray(tokens.numpy(), dtype=np.min_scalar_type(n_codes - 1))
