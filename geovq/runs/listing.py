"""Which runs there are: the user's own, and those that came with geovq."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geovq.errors import GeovqError
from geovq.runs.layout import CONFIG_FILE, SHIPPED_ROOT, outputs_root
from geovq.runs.reading import open_run
from geovq.runs.status import State, read_status


@dataclass(frozen=True)
class RunSummary:
    """One line of a list of runs.

    Attributes
    ----------
    id : str
        "dataset/name".
    path : Path
    dataset, name : str
    state : State or None
        Of its job; None for shipped runs and runs whose status is unreadable.
    created : float
        Seconds since 1970.
    shipped : bool
    measurements : mapping
        By tokenizer, as far as they were measured; "vae" among them.
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
    problem: str = ""

    @property
    def headline(self) -> dict[str, float]:
        """The numbers that tell a run at a glance: codes, error of the VAE, rate and distortion of two tokenizers."""
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
    own = [_summary(path, shipped=False) for path in _run_folders(Path(root or outputs_root()), depth=2)]
    own.sort(key=lambda summary: -summary.created)
    if not shipped:
        return own
    return own + [_summary(path, shipped=True) for path in sorted(_run_folders(SHIPPED_ROOT, depth=1))]


def _run_folders(root: Path, depth: int) -> Iterator[Path]:
    pattern = "/".join(["*"] * depth + [CONFIG_FILE])
    return (file.parent for file in root.glob(pattern) if not file.parent.name.startswith("."))


def _summary(path: Path, *, shipped: bool) -> RunSummary:
    created = (path / CONFIG_FILE).stat().st_mtime
    try:
        status = None if shipped else read_status(path)
        run = open_run(path)
        measurements = dict(run.measurements)
        name, dataset = run.config.name, run.config.data.dataset
        return RunSummary(
            run.id, path, dataset, name, status.state if status else None, created, shipped, measurements
        )
    except GeovqError as error:
        dataset = path.parent.name
        return RunSummary(f"{dataset}/{path.name}", path, dataset, path.name, None, created, shipped, {}, str(error))
