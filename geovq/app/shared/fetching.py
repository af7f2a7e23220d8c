"""What several pages fetch of a run: itself, its images, and what its models and tokenizers make of them.

Thin calls into the library, without formulas and widgets; results are kept from one run of the script to the next.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from geovq.app.shared.caching import copies, shared
from geovq.app.shared.cells import centre_cell
from geovq.catalogue.datasets import Split
from geovq.classroom import is_shown
from geovq.config import ExperimentConfig
from geovq.data import ImageSet, at_hand, load_images
from geovq.errors import ArtifactError
from geovq.evaluation import Distortion, TokenUsage, distortion, token_usage
from geovq.runs import Run, experiment_images, layout, open_run, outputs_root
from geovq.tokenization import LandmarkTokenizer
from geovq.tokenization.patches import decoded_codes
from geovq.viz import Landmarks
from geovq.viz.arrays import Array

VAE = "vae"
MEASURED_IMAGES = 1_000  # held-out images behind the measurements that pages make themselves
N_CONTEXT_IMAGES = 200  # held-out images behind the mean lattice and the variance of channels


@dataclass(frozen=True)
class Passage:
    """Images on their way through an autoencoder, with or without a tokenizer.

    Attributes
    ----------
    lattices : array of shape (n, D, H, W)
        What the decoder was given.
    decoded : array of shape (n, h, w)
        Intensities in [0, 1].
    tokens : array of shape (n, H, W), optional
        None without a tokenizer.
    """

    lattices: Float[Array, "n d h w"]
    decoded: Float[Array, "n height width"]
    tokens: Int[Array, "n h w"] | None


def open_cached(path: str) -> Run:
    """The run in a folder, with the models that were loaded before if nothing in it has changed.

    Raises
    ------
    ArtifactError
        If it cannot be opened, or is none of those that a classroom sees.
    """
    if not may_be_seen(Path(path)):
        raise ArtifactError(f"{Path(path).name} is not among the runs of this classroom; choose another one.")
    return _kept(open_run(path))


def may_be_seen(run_path: Path) -> bool:
    """Whether a run is shown here: any, but in a classroom only shipped and listed ones."""
    return is_shown(run_path, outputs_root(), layout.SHIPPED_ROOT)


@shared(3, False)
def _kept(run: Run) -> Run:
    return run


@shared(
    4,
    "Reading the images …",
    {ExperimentConfig: lambda config: (config.data.model_dump(), config.evaluation.n_images, config.seed)},
)
def _images(config: ExperimentConfig, split: Split) -> ImageSet:
    nearest = at_hand(config.data.dataset)
    return experiment_images(config, split) if nearest == config.data.dataset else load_images(nearest, split)


def held_out_of(run: Run) -> ImageSet:
    """The test images that a run was measured on; of a full set that is not on this machine, the embedded sample's."""
    return _images(run.config, "test")


def training_images(run: Run) -> ImageSet:
    """The images that a run learned from; of a full set that is not on this machine, the embedded sample's."""
    return _images(run.config, "train")


def first_batch(images: ImageSet, n_images: int) -> Float[Tensor, "n c height width"]:
    """The first images of a split, as a model sees them."""
    return images.batch(torch.arange(min(n_images, len(images))))


@copies(16, "Encoding …")
@torch.no_grad()
def held_out_tokens(run: Run, name: str) -> Int[Array, "n h w"]:
    """Tokens of `held_out_of(run)`."""
    images = held_out_of(run)
    if images.name == run.config.data.dataset:
        return run.tokens(name, "test")
    tokens: Array = run.tokenizers[name].encode(run.autoencoder(name).encode(first_batch(images, len(images)))).numpy()
    return tokens


@torch.no_grad()
def passage_of(
    run: Run, name: str, images: Float[Tensor, "n c height width"], tokens: Int64[Tensor, "n h w"] | None = None
) -> Passage:
    """Encode and decode images with the VAE ("vae") or through a tokenizer, by its own rule unless tokens are given."""
    model = run.autoencoder(name)
    lattices = model.encode(images)
    if name != VAE:
        tokens = run.tokenizers[name].encode(lattices) if tokens is None else tokens
        lattices = run.tokenizers[name].decode(tokens)
    decoded = model.decode(lattices)[:, 0].numpy()
    return Passage(lattices.numpy(), decoded, None if tokens is None else tokens.numpy())


@copies(64, "Decoding …")
def passage(run: Run, name: str, indices: tuple[int, ...]) -> Passage:
    """Held-out images through the VAE or a tokenizer."""
    chosen = torch.tensor(indices)
    tokens = None if name == VAE else torch.from_numpy(held_out_tokens(run, name))[chosen]
    return passage_of(run, name, held_out_of(run).batch(chosen), tokens)


@copies(16, "Measuring the distortion …")
@torch.no_grad()
def measured_distortion(run: Run, name: str) -> Distortion:
    """Pixel error that quantizing alone makes, per held-out image."""
    model, tokens = run.autoencoder(name), torch.from_numpy(held_out_tokens(run, name)[:MEASURED_IMAGES])
    lattices = model.encode(first_batch(held_out_of(run), MEASURED_IMAGES))
    return distortion(model.decode, lattices, run.tokenizers[name].decode(tokens))


@copies(32, "Counting tokens …")
def usage(run: Run, name: str) -> TokenUsage:
    """How often each code is used on held-out images."""
    return token_usage(run.tokens(name, "test"), run.tokenizers[name].n_codes)


@torch.no_grad()
def mean_lattice(run: Run, name: str) -> Float[Tensor, "d h w"]:
    """Mean of the lattices of some held-out images, in the autoencoder that a tokenizer reads."""
    return run.autoencoder(name).encode(first_batch(held_out_of(run), N_CONTEXT_IMAGES)).mean(dim=0)


@copies(16, "Decoding the codes …")
@torch.no_grad()
def code_patches(run: Run, name: str, image: int | None) -> Float[Array, "k h w"]:
    """What each code paints in the centre cell of the lattice of a held-out image, or of the mean lattice if None."""
    model = run.autoencoder(name)
    if image is None:
        context = mean_lattice(run, name)
    else:
        context = model.encode(held_out_of(run).batch(torch.tensor([image])))[0]
    patches: Array = decoded_codes(model.decode, run.tokenizers[name].codebook, context, centre_cell(run))[:, 0].numpy()
    return patches


@copies(8, "Fetching landmarks …")
def landmark_plane(run: Run, name: str) -> tuple[Landmarks, Float[Array, "2"]] | None:
    """Landmarks in the two strongest directions, and each direction's share of the cells' variance.

    None for a tokenizer that was not made on a graph of landmarks.
    """
    tokenizer = run.tokenizers[name]
    if not isinstance(tokenizer, LandmarkTokenizer):
        return None
    points = tokenizer.landmarks[:, :2].numpy()
    if points.shape[1] < 2:  # one active direction: a line
        points = np.pad(points, ((0, 0), (0, 1)))
    shares = (tokenizer.subspace.variances / tokenizer.subspace.variances.sum()).numpy()
    plane = Landmarks(points, tokenizer.label.numpy(), points[tokenizer.medoid_indices.numpy()])
    return plane, np.pad(shares, (0, 1))[:2]
