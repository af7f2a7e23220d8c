"""Measuring a finished run again without changing it, to check its measurements."""

from typing import Any

from geovq.errors import ArtifactError
from geovq.progress import Progress, SilentProgress
from geovq.runs.layout import command
from geovq.runs.reading import Run
from geovq.runs.stages.measuring import Measurements, measure_tokenizer, measure_vae
from geovq.runs.stages.workspace import Workspace
from geovq.training import resolve_device


def remeasure(run: Run, progress: Progress | None = None) -> dict[str, Measurements]:
    """Measurements of everything that the run has measured, made anew on its held-out images.

    Raises
    ------
    ArtifactError
        If nothing was measured yet, or a file of the run is missing or damaged.
    """
    require_measurements(run)
    run.verify()
    work = Workspace(run.path, run.config, resolve_device(run.config.device), progress or SilentProgress())
    return {name: measure_vae(work) if name == "vae" else measure_tokenizer(work, name) for name in run.measurements}


def require_measurements(run: Run) -> None:
    """Raise `ArtifactError` if nothing of the run was measured yet."""
    if not run.measurements:
        raise ArtifactError(f"{run.path} has no measurements yet; `{command(run.path)}` makes them.")


def largest_difference(run: Run, measured: dict[str, Measurements]) -> float:
    """Largest relative difference of any number from the run's own files."""
    return max(
        (
            _relative(new, old)
            for name, values in measured.items()
            for new, old in _pairs(values, run.measurements[name])
        ),
        default=0.0,
    )


def _pairs(new: Measurements, old: Measurements) -> list[tuple[Any, Any]]:
    return [(value, old.get(key)) for key, value in new.items() if isinstance(value, int | float)]


def _relative(new: float, old: float | None) -> float:
    if old is None:
        return float("inf")
    return 0.0 if new == old else abs(new - old) / max(abs(new), abs(old))
