"""From the name of a data set to its images in memory."""

from typing import get_args

import torch

from geovq.config import DatasetName
from geovq.data.full import data_folder, is_downloaded, load_full
from geovq.data.imageset import ImageSet
from geovq.data.sample import load_sample
from geovq.data.sources import SOURCES, Source, Split
from geovq.data.subsets import stratified_indices
from geovq.errors import DataError, InvalidValueError

_SOURCE_OF: dict[DatasetName, Source] = {
    "mnist": SOURCES["mnist"],
    "mnist-sample": SOURCES["mnist"],
    "fashion_mnist": SOURCES["fashion_mnist"],
    "fashion_mnist-sample": SOURCES["fashion_mnist"],
}


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
        "mnist" or "fashion_mnist" (60,000 train and 10,000 test images, read from the folder GEOVQ_DATA, default
        `data/`, downloaded there if missing); "mnist-sample" or "fashion_mnist-sample" (6,000 and 1,000, shipped with
        geovq).
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
    _require_member("dataset", dataset, tuple(_SOURCE_OF))
    _require_member("split", split, get_args(Split))
    source = _SOURCE_OF[dataset]
    if dataset == source.name:
        images, labels = load_full(source, split, data_folder())
    else:
        images, labels = load_sample(source.name, split)
    n_classes = len(source.class_names)
    if not 0 <= labels.min() <= labels.max() < n_classes:
        raise DataError(f"The labels of {dataset} {split} must be in [0, {n_classes}); restore its files.")
    loaded = ImageSet(dataset, split, images, labels, source.class_names)
    return _drawn(loaded, n_images, seed).to(device)


def at_hand(dataset: DatasetName) -> DatasetName:
    """The data set, or the embedded sample of it if it would have to be downloaded first: for those who only look."""
    source = _SOURCE_OF[dataset]
    if dataset != source.name or is_downloaded(source, data_folder()):
        return dataset
    return next(name for name, its_source in _SOURCE_OF.items() if its_source is source and name != dataset)


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
