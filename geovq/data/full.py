"""The full data sets, which torchvision downloads and parses.

torchvision checks digests only of what it downloads itself. Here every file is compared with the size and SHA-256 of
the original release each time it is read (0.1 s), so that a half copied or altered file is named in an error instead of
being trained on.
"""

import hashlib
import os
from http.client import HTTPException
from pathlib import Path

from torch import Tensor

from geovq.catalogue.datasets import IdxDataset, IdxFile, Split, sample_of
from geovq.errors import DataError


def data_folder() -> Path:
    """Folder of the full data sets: the environment variable GEOVQ_DATA, or `data/` where the program was started."""
    return Path(os.environ.get("GEOVQ_DATA") or "data").expanduser()


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
    from torchvision import datasets  # takes seconds to import; the embedded sample does without

    reader = getattr(datasets, dataset.torchvision_name)
    raw = folder / dataset.torchvision_name / "raw"
    missing = _missing_files(dataset, raw)
    if missing:
        _download(reader, dataset, folder, missing[0])
    for file in (dataset.files[split].images, dataset.files[split].labels):
        _require_original(raw / file.name, file)
    loaded = reader(root=folder, train=split == "train", download=False)
    images, labels, n_images = loaded.data, loaded.targets, dataset.n_images[split]
    if len(images) != n_images or len(labels) != n_images:  # torchvision prefers a legacy cache
        legacy = folder / dataset.torchvision_name / "processed"
        raise DataError(f"{legacy} holds {len(images)} images instead of {n_images}; delete that folder.")
    return images.reshape(n_images, *dataset.image_shape), labels


def is_downloaded(dataset: IdxDataset, folder: Path) -> bool:
    """Whether all files of a data set are in `folder`."""
    return not _missing_files(dataset, folder / dataset.torchvision_name / "raw")


def _missing_files(dataset: IdxDataset, raw: Path) -> list[Path]:
    files = [raw / file.name for split in dataset.files.values() for file in (split.images, split.labels)]
    return [path for path in files if not path.is_file()]


def _download(reader: type, dataset: IdxDataset, folder: Path, missing: Path) -> None:
    try:
        reader(root=folder, download=True)
    except (RuntimeError, OSError, HTTPException) as error:
        name, reason, sample = dataset.torchvision_name, " ".join(str(error).split()), sample_of(dataset.name)
        instead = f", or use the data set {sample.name}, which ships with geovq" if sample else ""
        raise DataError(
            f"{missing} is missing and {name} could not be downloaded ({reason}); set GEOVQ_DATA to a folder "
            f"that holds {name}/raw{instead}."
        ) from error


def _require_original(path: Path, expected: IdxFile) -> None:
    remedy = f"delete it and start again to download it, or set GEOVQ_DATA to a folder with a sound {expected.name}."
    try:
        size_bytes = path.stat().st_size
        if size_bytes != expected.size_bytes:
            raise DataError(f"{path} has {size_bytes} bytes instead of {expected.size_bytes}; {remedy}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if digest != expected.sha256:
        raise DataError(f"{path} is not the file of the original release (its SHA-256 differs); {remedy}")
