import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from geovq.catalogue.datasets import IdxDataset, IdxFile, IdxSplit, ImageShape, Split


@pytest.fixture
def tiny_release(tmp_path: Path):
    """A data set of 30 + 10 random images in torchvision's layout, its description, and its arrays by split."""
    rng = np.random.default_rng(0)
    raw = tmp_path / "full" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    splits: dict[Split, IdxSplit] = {}
    arrays: dict[Split, tuple[np.ndarray, np.ndarray]] = {}
    releases: tuple[tuple[Split, str, int], ...] = (("train", "train", 30), ("test", "t10k", 10))
    for split, prefix, n_images in releases:
        images = rng.integers(256, size=(n_images, 28, 28), dtype=np.uint8)
        labels = (np.arange(n_images) % 10).astype(np.uint8)
        image_bytes = struct.pack(">IIII", 0x803, n_images, 28, 28) + images.tobytes()
        label_bytes = struct.pack(">II", 0x801, n_images) + labels.tobytes()
        files = [
            _written(raw / f"{prefix}-images-idx3-ubyte", image_bytes),
            _written(raw / f"{prefix}-labels-idx1-ubyte", label_bytes),
        ]
        splits[split], arrays[split] = IdxSplit(*files), (images, labels)
    description = IdxDataset(
        name="mnist",
        image_shape=ImageShape(1, 28, 28),
        n_halvings=2,
        class_names=tuple("0123456789"),
        n_images={split: len(labels) for split, (_, labels) in arrays.items()},
        licence="CC0-1.0",
        torchvision_name="MNIST",
        files=splits,
    )
    return tmp_path / "full", description, arrays


def _written(path: Path, content: bytes) -> IdxFile:
    path.write_bytes(content)
    return IdxFile(path.name, len(content), hashlib.sha256(content).hexdigest())
