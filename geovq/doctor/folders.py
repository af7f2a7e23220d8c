"""The folders: where runs are written, data sets, what came with geovq, and the runs that there are."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from geovq.catalogue.datasets import DATASETS, IdxDataset, SampleDataset
from geovq.data.full import data_folder, is_downloaded
from geovq.data.load import load_images
from geovq.doctor.finding import Finding, ok, problem, warning
from geovq.errors import GeovqError
from geovq.runs import layout, list_runs, open_run, outputs_root

_GB = 1e9
_LITTLE_ROOM, _NO_ROOM = 2e9, 100e6  # bytes: a run of a preset takes 100 MB and three times that while it is made


def folder_findings() -> Iterator[Finding]:
    """Everything that depends on folders."""
    root = outputs_root()
    yield writing_finding(root)
    yield room_finding(root, shutil.disk_usage(_existing(root)).free)
    yield cache_finding()
    yield from data_findings()
    yield from shipped_findings()
    yield own_finding()


def writing_finding(root: Path) -> Finding:
    """Whether runs can be written."""
    folder = _existing(root)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".geovq-doctor-"):
            pass
    except OSError as error:
        return problem("outputs", f"{folder} cannot be written to ({error.strerror}).", _OTHER_FOLDER)
    return ok("outputs", f"Runs are written to {root}.")


_OTHER_FOLDER = "Make it writable, or name another folder in GEOVQ_OUTPUTS."


def room_finding(root: Path, free: float) -> Finding:
    """Whether the disk of the runs has room for one more."""
    said = f"{free / _GB:.1f} GB are free where runs are written."
    remedy = "Make room; `geovq clean` lists runs that failed and what they left."
    if free < _NO_ROOM:
        return problem("disk", said, remedy)
    return warning("disk", said, remedy) if free < _LITTLE_ROOM else ok("disk", said)


def cache_finding() -> Finding:
    """Whether compiled loops are kept from one process to the next."""
    places = [Path(layout.__file__).parents[1], Path(os.environ.get("NUMBA_CACHE_DIR") or Path.home() / ".cache")]
    if any(os.access(_existing(place), os.W_OK) for place in places):
        return ok("cache", "Compiled loops are kept on disk.")
    remedy = "Name a folder that can be written to in NUMBA_CACHE_DIR."
    return warning("cache", "Compiled loops cannot be kept: every process takes a minute longer.", remedy)


def data_findings() -> Iterator[Finding]:
    """Whether the embedded samples are sound, and which full sets are at hand."""
    for name, dataset in DATASETS.items():
        if isinstance(dataset, SampleDataset):
            try:
                images = load_images(name, "test")
            except GeovqError as error:
                yield problem("data", str(error), "")
            else:
                yield ok("data", f"{name}: {len(images):,} test images came with geovq.")
        elif isinstance(dataset, IdxDataset):
            if is_downloaded(dataset, data_folder()):
                yield ok("data", f"{name} is in {data_folder()}.")
            else:
                remedy = "The first run downloads it; without a network, set GEOVQ_DATA to a folder that holds it."
                yield warning("data", f"{name} is not in {data_folder().resolve()}.", remedy)


def shipped_findings() -> Iterator[Finding]:
    """Whether each run that came with geovq has the bytes that its manifest lists."""
    runs = [summary for summary in list_runs() if summary.shipped]
    if not runs:
        yield warning("shipped runs", f"There are none in {layout.SHIPPED_ROOT}.", "Install geovq again.")
    for summary in runs:
        try:
            run = open_run(summary.path)
            run.verify()
        except GeovqError as error:
            yield problem("shipped runs", str(error), "")
        else:
            n_files = sum(len(stage.files) for stage in run.manifest.stages.values())
            yield ok("shipped runs", f"{summary.path.name}: all {n_files} files are as they were made.")


def own_finding() -> Finding:
    """Whether own runs can be read."""
    runs = list_runs(shipped=False)
    bad = [summary for summary in runs if summary.problem]
    if bad:
        said = f"{len(bad)} of {len(runs)} cannot be read, the first: {bad[0].problem}"
        return warning("own runs", said, "")
    return ok("own runs", f"{len(runs)} in {outputs_root()}.")


def _existing(path: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
