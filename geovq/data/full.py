"""The full data sets, downloaded by torchvision and checked before they are believed.

torchvision checks digests only of what it downloads itself, and prefers a cache that its old versions wrote, which
nobody can check. Here the files of the original release are read, and compared with its sizes and SHA-256 each time
(0.1 s), so that a half copied or altered file is named instead of being trained on.
"""

import hashlib
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from geovq.catalogue.datasets import IdxDataset, IdxFile, Split, sample_of
from geovq.environment import folder_named_by
from geovq.errors import DataError


def data_folder() -> Path:
    """Folder of the full data sets: the environment variable GEOVQ_DATA, or `data/` where the program was started."""
    return folder_named_by("GEOVQ_DATA", "data")


def load_full(dataset: IdxDataset, split: Split, folder: Path) -> tuple[Tensor, Tensor]:
    """Read one official split, downloading the data set first if it is not in `folder`.

    Parameters
    ----------
    dataset : IdxDataset
        Which data set, with the digests of its files.
    split : "train" or "test"
    folder : Path
        Holds `<dataset.torchvision_name>/raw/`, as torchvision lays it out.

    Returns
    -------
    images : Tensor of shape (n, C, h, w), uint8
    labels : Tensor of shape (n,), int64

    Raises
    ------
    DataError
        If a file is missing and cannot be downloaded, or is not the file of the original release.
    """
    raw = folder / dataset.torchvision_name / "raw"
    missing = _missing_files(dataset, raw)
    if missing:
        _download(dataset, folder, missing[0])
    files = dataset.files[split]
    images = _original_values(raw / files.images.name, files.images, n_header_bytes=16)
    labels = _original_values(raw / files.labels.name, files.labels, n_header_bytes=8)
    return images.reshape(dataset.n_images[split], *dataset.image_shape), labels.long()


def is_downloaded(dataset: IdxDataset, folder: Path) -> bool:
    """Whether all files of a data set are in `folder`."""
    return not _missing_files(dataset, folder / dataset.torchvision_name / "raw")


def _missing_files(dataset: IdxDataset, raw: Path) -> list[Path]:
    files = [raw / file.name for split in dataset.files.values() for file in (split.images, split.labels)]
    return [path for path in files if not path.is_file()]


def _download(dataset: IdxDataset, folder: Path, missing: Path) -> None:
    from torchvision import datasets  # takes seconds to import; what is there already is read without it

    reader: Any = getattr(datasets, dataset.torchvision_name)
    fetching = reader.__new__(reader)  # its constructor downloads nothing where an old torchvision left a cache
    fetching.root = folder
    try:
        fetching.download()
    except (RuntimeError, OSError, HTTPException) as error:
        name, reason, sample = dataset.torchvision_name, " ".join(str(error).split()), sample_of(dataset.name)
        instead = f", or use the data set {sample.name}, which ships with geovq" if sample else ""
        raise DataError(
            f"{missing} is missing and {name} could not be downloaded ({reason}); set GEOVQ_DATA to a folder "
            f"that holds {name}/raw{instead}."
        ) from error


def _original_values(path: Path, expected: IdxFile, *, n_header_bytes: int) -> UInt8[Tensor, " n"]:
    """Values of a file in the IDX format, from the very bytes whose digest was compared."""
    remedy = f"delete it and start again to download it, or set GEOVQ_DATA to a folder with a sound {expected.name}."
    try:
        size_bytes = path.stat().st_size
        if size_bytes != expected.size_bytes:
            raise DataError(f"{path} has {size_bytes} bytes instead of {expected.size_bytes}; {remedy}")
        content = bytearray(path.read_bytes())  # a tensor needs memory that it may write to
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if hashlib.sha256(content).hexdigest() != expected.sha256:
        raise DataError(f"{path} is not the file of the original release (its SHA-256 differs); {remedy}")
    return torch.frombuffer(content, dtype=torch.uint8, offset=n_header_bytes)
