"""Which runs there are: the user's own, and those that came with geovq.

Pages list runs at every click. What was read from a run's files is kept until the time or the size of one of them
changes; the state of its job, which also depends on whether its process is alive, is looked up every time.
"""

import contextlib
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from geovq.errors import GeovqError
from geovq.runs import layout
from geovq.runs.layout import CONFIG_FILE, MANIFEST_FILE, evaluation_file, outputs_root
from geovq.runs.process.status import State, read_status
from geovq.runs.reading import open_run
from geovq.runs.stages.plan import plan


@dataclass(frozen=True)
class RunSummary:
    """One line of a list of runs.

    Attributes
    ----------
    id : str
        "dataset/name".
    path : Path
    dataset, name : str
        Of the settings; of the folders where those cannot be read.
    state : State or None
        Of its job; None for shipped runs and runs whose status is unreadable.
    created : float
        Seconds since 1970.
    shipped : bool
    measurements : mapping
        By tokenizer, as far as they were measured; "vae" among them.
    unfinished : tuple of str
        Stages of its settings that it does not have (yet).
    problem : str
        Why the run cannot be opened; empty if it can.
    """

    id: str
    path: Path
    dataset: str
    name: str
    state: State | None
    created: float
    shipped: bool
    measurements: Mapping[str, Mapping[str, Any]]
    unfinished: tuple[str, ...] = ()
    problem: str = ""

    @property
    def headline(self) -> dict[str, float]:
        """Numbers for a list of runs: codes, error of the VAE, rate and distortion of two tokenizers."""
        numbers: dict[str, float] = {}
        if "vae" in self.measurements:
            numbers["vae_mse"] = self.measurements["vae"]["mse"]
        for name in ("kmeans", "riemannian"):
            if name in self.measurements:
                measured = self.measurements[name]
                numbers["n_codes"] = measured["n_codes"]
                numbers[f"{name}_bits_per_token"] = measured["entropy_bits"]
                numbers[f"{name}_distortion"] = measured["distortion"]
        return numbers


def list_runs(root: str | Path | None = None, *, shipped: bool = True) -> list[RunSummary]:
    """Own runs below `root` (default: `outputs_root()`) from the newest, then the shipped ones by name."""
    own = _summaries(Path(root or outputs_root()), f"*/*/{CONFIG_FILE}", shipped=False)
    own.sort(key=lambda summary: summary.created, reverse=True)
    return own + _summaries(layout.SHIPPED_ROOT, f"*/{CONFIG_FILE}", shipped=True) if shipped else own


def _summaries(root: Path, pattern: str, *, shipped: bool) -> list[RunSummary]:
    summaries = []
    for file in sorted(root.glob(pattern)):
        if file.parent.name.startswith("."):
            continue  # what is left of a run that was deleted
        with contextlib.suppress(FileNotFoundError):  # it was deleted since we found it
            summaries.append(_summary(file.parent, file.stat().st_mtime, shipped=shipped))
    return summaries


def _summary(path: Path, created: float, *, shipped: bool) -> RunSummary:
    try:
        found = _found(path, _stamps(path))
        status = None if shipped else read_status(path)
    except (GeovqError, OSError) as error:  # whatever is wrong with one run, the others stay listed
        if isinstance(error, FileNotFoundError):
            raise
        dataset, name = path.parent.name, path.name
        return RunSummary(
            f"{dataset}/{name}", path, dataset, name, None, created, shipped, measurements={}, problem=str(error)
        )
    state = status.state if status else None
    return RunSummary(
        f"{found.dataset}/{found.name}", path, found.dataset, found.name, state, created, shipped,
        dict(found.measurements), found.unfinished,
    )  # fmt: skip


class _Found(NamedTuple):
    """What the files of a run say."""

    dataset: str
    name: str
    measurements: Mapping[str, Mapping[str, Any]]
    unfinished: tuple[str, ...]


_Stamp = tuple[str, int, int]  # name, time of the last change in ns, size in bytes


@functools.lru_cache(maxsize=1_000)
def _found(path: Path, stamps: tuple[_Stamp, ...]) -> _Found:
    """Read a run. `stamps` is part of the key of what is kept; errors are not kept."""
    run = open_run(path)
    unfinished = tuple(stage.name for stage in plan(run.config) if stage.name not in run.manifest.stages)
    return _Found(run.config.data.dataset, run.config.name, dict(run.measurements), unfinished)


def _stamps(path: Path) -> tuple[_Stamp, ...]:
    """Times and sizes of all files that `_found` reads."""
    files = [path / CONFIG_FILE, path / MANIFEST_FILE]
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        files += [Path(entry.path) for entry in os.scandir((path / evaluation_file("vae")).parent)]
    stamps = []
    for file in sorted(files):
        with contextlib.suppress(FileNotFoundError):
            stat = file.stat()
            stamps.append((file.name, stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)
