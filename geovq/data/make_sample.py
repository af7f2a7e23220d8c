"""Draw the samples that ship with geovq from the full data sets: `python -m geovq.data.make_sample`.

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

from geovq.catalogue.datasets import DATASETS, SampleDataset, Split
from geovq.data.imageset import ImageSet
from geovq.data.load import load_images
from geovq.data.sample import MANIFEST_FORMAT, MANIFEST_NAME, SAMPLE_FOLDER, ArchiveRecord, archive_name
from geovq.data.subsets import balanced_indices
from geovq.errors import DataError, GeovqError


def write_sample(
    splits: Mapping[tuple[SampleDataset, Split], ImageSet],
    folder: Path,
    *,
    seed: int = 0,
) -> list[Path]:
    """Draw a sample of each split and write the archives and their manifest.

    Parameters
    ----------
    splits : mapping
        Full splits by the sample to draw from them: as many images as it describes, as many of every class.
    folder : Path
        Where the files go; existing ones are replaced, each in one step.
    seed : int, default=0
        Root seed of the draw.

    Returns
    -------
    list of Path
        What was written: the archives, then the manifest.
    """
    written, records = [], {}
    for (sample, split), images in splits.items():
        n_per_class, name = sample.n_images[split] // len(sample.class_names), archive_name(sample, split)
        indices = balanced_indices(images.labels, n_per_class, seed, f"data/sample/{sample.drawn_from}/{split}")
        archive = _pack(images.subset(indices))
        record = ArchiveRecord(len(indices), len(archive), hashlib.sha256(archive).hexdigest())
        records[name] = dataclasses.asdict(record)
        written.append(_replace(folder / name, archive))
    manifest = {"format": MANIFEST_FORMAT, "seed": seed, "archives": records}
    written.append(_replace(folder / MANIFEST_NAME, (json.dumps(manifest, indent=2) + "\n").encode()))
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 2 with one sentence if the full sets cannot be read or nothing can be written."""
    parser = argparse.ArgumentParser(prog="python -m geovq.data.make_sample", description=__doc__)
    parser.add_argument("--out", type=Path, default=SAMPLE_FOLDER, help="folder of the archives (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        samples = [dataset for dataset in DATASETS.values() if isinstance(dataset, SampleDataset)]
        splits = {(it, split): load_images(it.drawn_from, split) for it in samples for split in it.n_images}
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
