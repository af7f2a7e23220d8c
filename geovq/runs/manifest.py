"""`manifest.json` of a run: its finished stages, the digests of their inputs and files, packages and devices."""

import functools
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from geovq.artifacts import file_digest, read_json, write_json
from geovq.errors import ArtifactError
from geovq.runs import layout
from geovq.runs.layout import MANIFEST_FILE

FORMAT = 1
_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "numba")


class StageRecord(BaseModel):
    """One finished stage."""

    model_config = ConfigDict(frozen=True)

    input_digest: str
    files: dict[str, str]  # SHA-256 by path relative to the run
    elapsed_s: float
    finished_at: float  # seconds since 1970
    device: str
    precision: str = "32-true"  # of its training; the rest of a stage computes in float32
    deterministic: bool = True  # the same inputs give the same bytes there; on GPUs, some sums have no fixed order


class Manifest(BaseModel):
    """All finished stages of a run."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    seed: int
    versions: dict[str, str]  # of Python and packages, when the last stage was made
    stages: dict[str, StageRecord] = {}

    def with_stage(self, name: str, record: StageRecord) -> "Manifest":
        """The manifest after one more stage, made with the packages of this process."""
        return self.model_copy(update={"versions": _versions(), "stages": {**self.stages, name: record}})

    def without_stage(self, name: str) -> "Manifest":
        """The manifest before a stage is made again."""
        return self.model_copy(update={"stages": {k: v for k, v in self.stages.items() if k != name}})

    def digest_of(self, file: str) -> str | None:
        """Digest that a file of the run must have; None if no finished stage wrote it."""
        return next((record.files[file] for record in self.stages.values() if file in record.files), None)


def new_manifest(seed: int) -> Manifest:
    """Manifest of a run without stages."""
    return Manifest(seed=seed, versions=_versions())


def record_stage(
    run_path: Path,
    input_digest: str,
    files: tuple[str, ...],
    elapsed_s: float,
    device: torch.device,
    precision: str = "32-true",
) -> StageRecord:
    """Record of a stage whose files have just been written."""
    digests = {file: file_digest(run_path / file) for file in files}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return StageRecord(
        input_digest=input_digest,
        files=digests,
        elapsed_s=elapsed_s,
        finished_at=time.time(),
        device=name,
        precision=precision,
        deterministic=device.type == "cpu",
    )


def read_manifest(run_path: Path) -> Manifest | None:
    """Manifest of a run; None if it has none yet.

    Raises
    ------
    ArtifactError
        If it is damaged or of another format.
    """
    path = run_path / MANIFEST_FILE
    if not path.exists():
        return None
    remedy = layout.remedy(run_path, MANIFEST_FILE)
    if not layout.is_shipped(run_path):
        remedy = f"delete it, and {remedy}"
    values = read_json(path, remedy=remedy)
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise ArtifactError(f"{path} has format {found}, where this version of geovq reads {FORMAT}; {remedy}.")
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ArtifactError(f"{path} is damaged at {place}; {remedy}.") from error


def write_manifest(run_path: Path, manifest: Manifest) -> None:
    """Replace the manifest, whole or not at all."""
    write_json(run_path / MANIFEST_FILE, manifest.model_dump())


@functools.cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{package: _version(package) for package in _PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
