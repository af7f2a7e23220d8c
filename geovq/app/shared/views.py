"""What the pages show, fetched from a run as plain arrays. Thin calls into the library: no formulas, no Streamlit."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from geovq.data import ImageSet
from geovq.evaluation import Distortion, TokenUsage, distortion, token_usage
from geovq.runs import Run
from geovq.tokenization import LandmarkTokenizer
from geovq.tokenization.patches import decoded_codes
from geovq.viz import Landmarks

Array: TypeAlias = npt.NDArray[Any]

VAE = "vae"
MEASURED_IMAGES = 1_000  # held-out images behind the measurements that pages make themselves


@dataclass(frozen=True)
class Passage:
    """Images on their way through an autoencoder, with or without a tokenizer.

    lattices : (n, D, H, W), what the decoder was given; decoded : (n, 28, 28), intensities in [0, 1];
    tokens : (n, H, W), or None without a tokenizer.
    """

    lattices: Float[Array, "n d h w"]
    decoded: Float[Array, "n height width"]
    tokens: Int[Array, "n h w"] | None


@torch.no_grad()
def passage(run: Run, name: str, images: Float[Tensor, "n 1 height width"]) -> Passage:
    """Encode and decode images with the VAE ("vae") or through a tokenizer."""
    if name == VAE:
        model = run.autoencoder(name)
        lattices = model.encode(images)
        return Passage(lattices.numpy(), model.decode(lattices)[:, 0].numpy(), None)
    model, tokenizer = run.autoencoder(name), run.tokenizers[name]
    tokens = tokenizer.encode(model.encode(images))
    lattices = tokenizer.decode(tokens)
    return Passage(lattices.numpy(), model.decode(lattices)[:, 0].numpy(), tokens.numpy())


@torch.no_grad()
def measured_distortion(run: Run, name: str, images: Float[Tensor, "n 1 height width"]) -> Distortion:
    """Pixel error that quantizing alone makes, per image."""
    model, tokenizer = run.autoencoder(name), run.tokenizers[name]
    lattices = model.encode(images)
    return distortion(model.decode, lattices, tokenizer.decode(tokenizer.encode(lattices)))


@torch.no_grad()
def encoded(run: Run, name: str, images: ImageSet) -> Int[Array, "n h w"]:
    """Tokens of images."""
    return run.tokenizers[name].encode(run.autoencoder(name).encode(images.batch(torch.arange(len(images))))).numpy()


def usage(run: Run, name: str) -> TokenUsage:
    """How often each code is used on held-out images."""
    return token_usage(run.tokens(name, "test"), run.tokenizers[name].n_codes)


@torch.no_grad()
def code_patches(
    run: Run, name: str, images: Float[Tensor, "n 1 height width"], position: tuple[int, int]
) -> Float[Array, "k h w"]:
    """Every code decoded in one cell of the mean lattice of some images."""
    model = run.autoencoder(name)
    context = model.encode(images).mean(dim=0)
    return decoded_codes(model.decode, run.tokenizers[name].codebook, context, position)[:, 0].numpy()


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


def first_batch(images: ImageSet, n_images: int) -> Float[Tensor, "n 1 height width"]:
    """The first images of a split, as a model sees them."""
    return images.batch(torch.arange(min(n_images, len(images))))
