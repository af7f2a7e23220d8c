"""Seeded subsets that keep the proportions of the classes."""

import dataclasses

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from geovq.data.imageset import ImageSet
from geovq.errors import InvalidValueError
from geovq.randomness import make_rng

Counts = NDArray[np.int64]


def stratified_indices(labels: Int64[Tensor, " n"], n_drawn: int, seed: int, stream: str) -> Int64[Tensor, " n_drawn"]:
    """Draw without replacement so that every class keeps its share, to within one image.

    Parameters
    ----------
    labels : Tensor of shape (n,)
        Class of each image.
    n_drawn : int
        How many to draw, 1 to n.
    seed, stream : int, str
        Root seed and name of the random stream.

    Returns
    -------
    Tensor of shape (n_drawn,), int64, on the CPU
        Ascending indices, so drawing all n gives the set as it is.

    Raises
    ------
    InvalidValueError
        If `n_drawn` is not between 1 and n.
    """
    if not 1 <= n_drawn <= len(labels):
        raise InvalidValueError(f"n_drawn must be between 1 and {len(labels)}, the images there are; got {n_drawn}.")
    return _drawn(labels, _quotas(_class_counts(labels), n_drawn), seed, stream)


def balanced_indices(labels: Int64[Tensor, " n"], n_per_class: int, seed: int, stream: str) -> Int64[Tensor, " drawn"]:
    """Draw the same number of every class that occurs, without replacement.

    Parameters
    ----------
    labels : Tensor of shape (n,)
        Class of each image.
    n_per_class : int
        How many to draw of each class, at least 1 and at most what the rarest class has.
    seed, stream : int, str
        Root seed and name of the random stream.

    Returns
    -------
    Tensor of shape (n_classes * n_per_class,), int64, on the CPU
        Ascending indices.

    Raises
    ------
    InvalidValueError
        If a class has fewer images.
    """
    counts = _class_counts(labels)
    if not 1 <= n_per_class <= counts.min():
        raise InvalidValueError(
            f"n_per_class must be between 1 and {counts.min()}, the images of the rarest class; got {n_per_class}."
        )
    return _drawn(labels, np.full_like(counts, n_per_class), seed, stream)


def split_validation(images: ImageSet, fraction: float, seed: int) -> tuple[ImageSet, ImageSet]:
    """Set a share of a split aside for validation.

    Parameters
    ----------
    images : ImageSet
        The split to divide, at least two images.
    fraction : float
        Share that becomes the validation set, above 0 and below 1; both parts get at least one image.
    seed : int
        Root seed; the same seed gives the same division.

    Returns
    -------
    training, validation : ImageSet
        Disjoint, together everything, each with the proportions of the classes.

    Raises
    ------
    InvalidValueError
        If `fraction` is not between 0 and 1, or there are fewer than two images.
    """
    training, validation = split_indices(images.labels, fraction, seed)
    return images.subset(training), dataclasses.replace(images.subset(validation), split="validation")


def split_indices(
    labels: Int64[Tensor, " n"], fraction: float, seed: int
) -> tuple[Int64[Tensor, " n_training"], Int64[Tensor, " n_validation"]]:
    """Ascending indices of the two parts of `split_validation`, for what is kept beside the images, such as tokens."""
    if not 0 < fraction < 1:
        raise InvalidValueError(f"fraction must be above 0 and below 1; got {fraction}.")
    if len(labels) < 2:
        raise InvalidValueError(f"Two images at least are needed to set one aside for validation; got {len(labels)}.")
    n_validation = min(max(round(fraction * len(labels)), 1), len(labels) - 1)
    validation = stratified_indices(labels, n_validation, seed, "data/validation")
    is_training = torch.ones(len(labels), dtype=torch.bool)
    is_training[validation] = False
    return is_training.nonzero().flatten(), validation


def _class_counts(labels: Tensor) -> Counts:
    counts: Counts = np.unique(labels.cpu().numpy(), return_counts=True)[1].astype(np.int64)
    return counts


def _drawn(labels: Tensor, quotas: Counts, seed: int, stream: str) -> Tensor:
    """Ascending indices of `quotas[i]` images of the i-th class that occurs."""
    classes = labels.cpu().numpy()
    rng = make_rng(seed, stream)
    chosen = [
        rng.permutation(np.flatnonzero(classes == value))[:quota]
        for value, quota in zip(np.unique(classes), quotas, strict=True)
    ]
    return torch.from_numpy(np.sort(np.concatenate(chosen)).astype(np.int64))


def _quotas(counts: Counts, n_drawn: int) -> Counts:
    """Largest-remainder apportionment, in integers: (3, 1) with 2 drawn gives shares 1.5 and 0.5, quotas 2 and 0."""
    quotas: Counts = counts * n_drawn // counts.sum()
    remainders = counts * n_drawn % counts.sum()
    n_missing = n_drawn - quotas.sum()
    quotas[np.argsort(-remainders, kind="stable")[:n_missing]] += 1
    return quotas
