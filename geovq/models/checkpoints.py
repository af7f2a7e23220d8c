"""Models on disk: weights in safetensors, and in the header what is needed to build the model again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from geovq.artifacts import read_safetensors, write_safetensors
from geovq.catalogue.datasets import DATASETS, ImageShape
from geovq.catalogue.references import named_object
from geovq.catalogue.tokenizers import END_TO_END, TOKENIZERS
from geovq.config import PriorConfig, VAEConfig, VQVAEConfig
from geovq.errors import ArtifactError, InvalidValueError
from geovq.models.classifier import ImageClassifier
from geovq.models.decoder import LatticeDecoder
from geovq.models.initialisation import initialised
from geovq.models.prior import LatticePrior
from geovq.models.vae import LatticeVAE
from geovq.models.vqvae import LatticeVQVAE

KIND = "model"
FORMAT = 1

Architecture = dict[str, Any]  # JSON values
_REMEDY = "train it again with `python -m geovq run`"

# A file without these entries holds a model of images of MNIST's shape. Only what differs is written, so that files of
# such models do not change.
_UNSAID: Architecture = {
    "image_shape": list(DATASETS["mnist"].image_shape),
    "n_channels": DATASETS["mnist"].image_shape.channels,
    "n_halvings": DATASETS["mnist"].n_halvings,
}


class _Recipe(NamedTuple):
    model: type[nn.Module]
    describe: Callable[[Any], Architecture]
    build: Callable[[Architecture], nn.Module]


def _quantizing_recipe(tokenizer: str) -> _Recipe:
    """Of the model that a tokenizer is trained with, end to end."""
    model: type[LatticeVQVAE] = named_object(TOKENIZERS[tokenizer].autoencoder)
    return _Recipe(
        model,
        lambda model: {"config": model.config.model_dump(), "n_codes": model.n_codes, **_trunk(model)},
        lambda spec: model(
            VQVAEConfig(**spec["config"]), spec["n_codes"], ImageShape(*spec["image_shape"]), spec["n_halvings"]
        ),
    )


_RECIPES: Mapping[str, _Recipe] = {
    "vae": _Recipe(
        LatticeVAE,
        lambda model: {"config": model.config.model_dump(), **_trunk(model)},
        lambda spec: LatticeVAE(VAEConfig(**spec["config"]), ImageShape(*spec["image_shape"]), spec["n_halvings"]),
    ),
    **{name: _quantizing_recipe(name) for name in END_TO_END},
    "decoder": _Recipe(
        LatticeDecoder,
        lambda model: {
            "latent_channels": model.latent_channels,
            "width": model.width,
            **_said(n_channels=model.decoder.n_channels, n_halvings=model.decoder.n_halvings),
        },
        lambda spec: LatticeDecoder(spec["latent_channels"], spec["width"], spec["n_channels"], spec["n_halvings"]),
    ),
    "prior": _Recipe(
        LatticePrior,
        lambda model: {
            "config": model.config.model_dump(),
            "n_codes": model.n_codes,
            "height": model.height,
            "width": model.width,
            "class_counts": model.class_counts,
        },
        lambda spec: LatticePrior(
            PriorConfig(**spec["config"]),
            spec["n_codes"],
            spec["height"],
            spec["width"],
            class_counts=spec.get("class_counts"),
        ),
    ),
    "classifier": _Recipe(
        ImageClassifier,
        lambda model: {
            "n_classes": model.n_classes,
            "width": model.width,
            **_said(image_shape=list(model.image_shape)),
        },
        lambda spec: ImageClassifier(spec["n_classes"], ImageShape(*spec["image_shape"]), spec["width"]),
    ),
}


def _trunk(model: LatticeVAE | LatticeVQVAE) -> Architecture:
    encoder = model.encoder
    return _said(image_shape=list(encoder.image_shape), n_halvings=encoder.n_halvings)


def _said(**entries: Any) -> Architecture:
    return {name: value for name, value in entries.items() if value != _UNSAID[name]}


def architecture_of(model: nn.Module) -> Architecture:
    """JSON description from which `load_model` builds the model: its name and arguments.

    Raises
    ------
    InvalidValueError
        If geovq does not know the model's class.
    """
    for name, recipe in _RECIPES.items():
        if type(model) is recipe.model:
            return {"model": name, **recipe.describe(model)}
    known = ", ".join(recipe.model.__name__ for recipe in _RECIPES.values())
    raise InvalidValueError(f"save_model knows {known}; got a {type(model).__name__}. Save its state_dict() instead.")


def save_model(path: str | Path, model: nn.Module, *, dtype: torch.dtype | None = None) -> None:
    """Write a model's architecture and weights, whole or not at all.

    Parameters
    ----------
    path : path
    model : Module
    dtype : torch.dtype, optional
        In which floating-point weights are stored, such as float16; default as they are. Loaded, they are float32.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    InvalidValueError
        If geovq does not know the model's class.
    """
    metadata = {"architecture": architecture_of(model)}
    tensors = {
        name: tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    write_safetensors(path, tensors, kind=KIND, format=FORMAT, metadata=metadata)


def load_model(path: str | Path, device: str | torch.device = "cpu", *, remedy: str = _REMEDY) -> nn.Module:
    """Model written by `save_model`, in eval mode; `remedy` ends the message about a file that cannot be used.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, not a model, of another format, or its weights do not fit its architecture.
    """
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=remedy)
    try:
        architecture = _UNSAID | metadata["architecture"]
        build = _RECIPES[architecture["model"]].build
        model = initialised(lambda: build(architecture), seed=0, stream="overwritten at once")
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ArtifactError(f"{path} does not describe a model that can be built ({reason}); {remedy}.") from error
    return model.to(device).eval()
