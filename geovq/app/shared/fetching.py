"""What several pages keep from one run of the script to the next: runs, images, and what they make of them."""

import os

import streamlit as st
import torch

from geovq.app.shared import views
from geovq.app.shared.caching import copies, shared
from geovq.arrays import IntArray
from geovq.catalogue.datasets import Split
from geovq.config import ExperimentConfig
from geovq.data import ImageSet, at_hand, load_images
from geovq.evaluation import Distortion, TokenUsage
from geovq.runs import Run, experiment_images, open_run
from geovq.viz import Landmarks

N_CONTEXT_IMAGES = 200  # behind the mean lattice and the variance of channels


def open_cached(path: str) -> Run:
    """The run in a folder, with the models that were loaded before if nothing in it has changed."""
    return _kept(open_run(path))


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


@copies(16, "Encoding …")
def held_out_tokens(run: Run, name: str) -> IntArray:
    """Tokens of `held_out_of(run)`, (n, H, W)."""
    images = held_out_of(run)
    if images.name == run.config.data.dataset:
        return run.tokens(name, "test")
    return views.encoded(run, name, images)


@copies(64, "Decoding …")
def passage(run: Run, name: str, indices: tuple[int, ...]) -> views.Passage:
    """Held-out images through the VAE or a tokenizer."""
    return views.passage(run, name, held_out_of(run).batch(torch.tensor(indices)))


@copies(16, "Measuring the distortion …")
def measured_distortion(run: Run, name: str) -> Distortion:
    """Distortion of a tokenizer per held-out image."""
    return views.measured_distortion(run, name, views.first_batch(held_out_of(run), views.MEASURED_IMAGES))


@copies(32, "Counting tokens …")
def usage(run: Run, name: str) -> TokenUsage:
    """Use of the codes on held-out images."""
    return views.usage(run, name)


@copies(16, "Decoding the codes …")
def code_patches(run: Run, name: str, image: int | None, position: tuple[int, int]) -> views.Array:
    """Codes decoded in the lattice of one held-out image, or in the mean lattice of many."""
    images = held_out_of(run)
    context = views.first_batch(images, N_CONTEXT_IMAGES) if image is None else images.batch(torch.tensor([image]))
    return views.code_patches(run, name, context, position)


@copies(8, "Fetching landmarks …")
def landmark_plane(run: Run, name: str) -> tuple[Landmarks, views.Array] | None:
    """Landmarks of a tokenizer in two directions."""
    return views.landmark_plane(run, name)


@st.cache_resource(show_spinner=False)
def device_name() -> str:
    """The device that `auto` means on this machine."""
    if torch.cuda.is_available():
        return f"GPU: {torch.cuda.get_device_name()}"
    return f"CPU, {os.cpu_count()} cores"
