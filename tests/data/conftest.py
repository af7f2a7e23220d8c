import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from geovq.data.sources import IdxFile, Source, SplitSource


@pytest.fixture
def tiny_release(tmp_path: Path):
    """A data set of 30 + 10 random images in torchvision's layout, its description, and its arrays by split."""
    rng = np.random.default_rng(0)
    raw = tmp_path / "full" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    splits, arrays = {}, {}
    for split, prefix, n_images in (("train", "train", 30), ("test", "t10k", 10)):
        images = rng.integers(256, size=(n_images, 28, 28), dtype=np.uint8)
        labels = (np.arange(n_images) % 10).astype(np.uint8)
        image_bytes = struct.pack(">IIII", 0x803, n_images, 28, 28) + images.tobytes()
        label_bytes = struct.pack(">II", 0x801, n_images) + labels.tobytes()
        files = [
            _written(raw / f"{prefix}-images-idx3-ubyte", image_bytes),
            _written(raw / f"{prefix}-labels-idx1-ubyte", label_bytes),
        ]
        splits[split], arrays[split] = SplitSource(n_images, *files), (images, labels)
    return tmp_path / "full", Source("mnist", "MNIST", tuple("0123456789"), splits), arrays


def _written(path: Path, content: bytes) -> IdxFile:
    path.write_bytes(content)
    return IdxFile(path.name, len(content), hashlib.sha256(content).hexdigest())
