"""From the name of a data set to its images in memory."""

from typing import get_args

import torch
from torch import Tensor

from geovq.catalogue.datasets import (
    DATASETS,
    DatasetDescription,
    IdxDataset,
    SampleDataset,
    Split,
    sample_of,
)
from geovq.config import DatasetName
from geovq.data.full import data_folder, is_downloaded, load_full
from geovq.data.imageset import ImageSet
from geovq.data.sample import load_sample
from geovq.data.subsets import stratified_indices
from geovq.errors import DataError, InvalidValueError


def load_images(
    dataset: DatasetName,
    split: Split,
    *,
    n_images: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> ImageSet:
    """One split of a data set, as uint8 on one device.

    Parameters
    ----------
    dataset : str
        Name of a data set in `geovq.catalogue.datasets`, such as "mnist", which is read from the folder GEOVQ_DATA
        (default `data/`) and downloaded there if missing, or "mnist-sample", which ships with geovq.
    split : "train" or "test"
        Official split. Test images of a sample come from the official test split.
    n_images : int, optional
        Keep only this many, drawn with the proportions of the classes; all if not given.
    seed : int, default=0
        Root seed of that draw; without `n_images` it changes nothing.
    device : str or torch.device, default="cpu"
        Where the images are kept.

    Returns
    -------
    ImageSet

    Raises
    ------
    InvalidValueError
        If the data set or split is unknown, or `n_images` is not between 1 and what there is.
    DataError
        If a file is missing, truncated or altered.
    """
    _require_member("dataset", dataset, tuple(DATASETS))
    _require_member("split", split, get_args(Split))
    description = DATASETS[dataset]
    images, labels = _read(description, split)
    n_classes = len(description.class_names)
    if not 0 <= labels.min() <= labels.max() < n_classes:
        raise DataError(f"The labels of {dataset} {split} must be in [0, {n_classes}); restore its files.")
    loaded = ImageSet(dataset, split, images, labels, description.class_names)
    return _drawn(loaded, n_images, seed).to(device)


def at_hand(dataset: DatasetName) -> DatasetName:
    """The data set itself, or its sample if there is one and the whole would have to be downloaded first."""
    description, sample = DATASETS[dataset], sample_of(dataset)
    if sample is None or not isinstance(description, IdxDataset) or is_downloaded(description, data_folder()):
        return dataset
    return sample.name


def _read(dataset: DatasetDescription, split: Split) -> tuple[Tensor, Tensor]:
    """Images (n, C, h, w), uint8, and labels (n,), int64, by the reader of the data set's format."""
    match dataset:
        case IdxDataset():
            return load_full(dataset, split, data_folder())
        case SampleDataset():
            return load_sample(dataset, split)
    raise TypeError(f"{type(dataset).__name__} has no reader")


def _drawn(images: ImageSet, n_images: int | None, seed: int) -> ImageSet:
    if n_images is None:
        return images
    if isinstance(n_images, bool) or not isinstance(n_images, int) or not 1 <= n_images <= len(images):
        raise InvalidValueError(
            f"n_images must be a whole number between 1 and {len(images)}, the {images.split} images of {images.name}; "
            f"got {n_images!r}."
        )
    return images.subset(stratified_indices(images.labels, n_images, seed, f"data/subset/{images.split}"))


def _require_member(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidValueError(f"{what} must be one of {', '.join(allowed)}; got {value!r}.")
