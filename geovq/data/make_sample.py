"""Draw the embedded samples from the full data sets: `python -m geovq.data.make_sample`.

Training images come from the official training split, test images from the official test split, the same number of
every class. Doing it again writes the same bytes.
"""

import argparse
import dataclasses
import hashlib
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from geovq.data.imageset import ImageSet
from geovq.data.load import load_images
from geovq.data.sample import MANIFEST_FORMAT, MANIFEST_NAME, SAMPLE_FOLDER, ArchiveRecord, archive_name
from geovq.data.sources import SOURCES, SourceName, Split
from geovq.data.subsets import balanced_indices
from geovq.errors import DataError, GeovqError

N_PER_CLASS: dict[Split, int] = {"train": 600, "test": 100}


def write_sample(
    splits: Mapping[tuple[SourceName, Split], ImageSet],
    folder: Path,
    *,
    n_per_class: Mapping[Split, int] = N_PER_CLASS,
    seed: int = 0,
) -> list[Path]:
    """Draw a sample of each split and write the archives and their manifest.

    Parameters
    ----------
    splits : mapping
        Full splits by (data set, split), for example ("mnist", "train").
    folder : Path
        Where the files go; existing ones are replaced, each in one step.
    n_per_class : mapping
        Images drawn of every class, by split.
    seed : int, default=0
        Root seed of the draw.

    Returns
    -------
    list of Path
        What was written: the archives, then the manifest.
    """
    written, records = [], {}
    for (dataset, split), images in splits.items():
        indices = balanced_indices(images.labels, n_per_class[split], seed, f"data/sample/{dataset}/{split}")
        archive = _pack(images.subset(indices))
        record = ArchiveRecord(len(indices), len(archive), hashlib.sha256(archive).hexdigest())
        records[archive_name(dataset, split)] = dataclasses.asdict(record)
        written.append(_replace(folder / archive_name(dataset, split), archive))
    manifest = {"format": MANIFEST_FORMAT, "seed": seed, "archives": records}
    written.append(_replace(folder / MANIFEST_NAME, (json.dumps(manifest, indent=2) + "\n").encode()))
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 2 with one sentence if the full sets cannot be read or nothing can be written."""
    parser = argparse.ArgumentParser(prog="python -m geovq.data.make_sample", description=__doc__)
    parser.add_argument("--out", type=Path, default=SAMPLE_FOLDER, help="folder of the archives (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        splits = {(name, split): load_images(name, split) for name in SOURCES for split in N_PER_CLASS}
        written = write_sample(splits, options.out)
    except GeovqError as error:
        print(error, file=sys.stderr)
        return 2
    for path in written:
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


def _pack(images: ImageSet) -> bytes:
    archive = io.BytesIO()
    pixels, labels = images.images.squeeze(1).cpu().numpy(), images.labels.to(torch.uint8).cpu().numpy()
    np.savez_compressed(archive, images=pixels, labels=labels)  # writes no time of day, so equal arrays are equal bytes
    return archive.getvalue()


def _replace(path: Path, content: bytes) -> Path:
    beside = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); choose a writable folder with --out.") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
