"""A new run that begins with copies of what another run has finished.

Settings of a run never change, so other tokenizers on a trained autoencoder are another run. It begins with a copy of
every stage that has the same inputs; the pipeline then finds these up to date, and makes the rest.
"""

import json
import secrets
import shutil
from pathlib import Path

import numpy as np

from geovq.artifacts import file_digest
from geovq.config import ExperimentConfig, dump_config, setting_changes
from geovq.errors import ArtifactError, ConfigError
from geovq.runs import layout
from geovq.runs.manifest import Manifest, new_manifest, write_manifest
from geovq.runs.metrics import METRICS_FILE
from geovq.runs.pipeline import input_digest_of
from geovq.runs.reading import Run
from geovq.runs.stages.plan import plan
from geovq.runs.stages.snapshots import SNAPSHOT_FOLDER

VAE_SETTINGS = ("seed", "data", "vae", "vae_training")  # those that a trained VAE depends on


def reusable(source: Run, config: ExperimentConfig) -> Manifest:
    """Manifest of a new run that holds the finished stages of `source` whose inputs are those of the experiment."""
    manifest = new_manifest(config.seed)
    for stage in plan(config):
        record = source.manifest.stages.get(stage.name)
        if record is None or not all(name in manifest.stages for name in stage.needs):
            continue
        if record.input_digest == input_digest_of(stage, manifest) and _is_whole(source, stage.name):
            manifest = manifest.model_copy(update={"stages": {**manifest.stages, stage.name: record}})
    return manifest


def begin_from(source: Run, config: ExperimentConfig, run_path: Path) -> tuple[str, ...]:
    """Make the folder of a run, with copies of all stages that can be taken over from another.

    Parameters
    ----------
    source : Run
    config : ExperimentConfig
        Of the new run; the settings named in `VAE_SETTINGS` must be those of `source`.
    run_path : Path
        Folder of the new run; must not exist.

    Returns
    -------
    tuple of str
        Names of the stages that were taken over.

    Raises
    ------
    ConfigError
        If the VAE of `source` is not among the stages that can be taken over.
    ArtifactError
        If a file of `source` is missing or damaged, the folder is a shipped run, or it cannot be made.
    """
    if layout.is_shipped(run_path):
        raise ArtifactError(f"{run_path} ships with geovq and is read-only; choose another folder.")
    manifest = reusable(source, config)
    if "vae" not in manifest.stages:
        raise ConfigError(_why_not(source, config))
    beside = run_path.with_name(f".{run_path.name}.begun.{secrets.token_hex(4)}")
    try:
        for record in manifest.stages.values():
            for file, digest in record.files.items():
                _copy(source, file, digest, beside)
        (beside / layout.CONFIG_FILE).write_text(dump_config(config), encoding="utf-8")
        write_manifest(beside, manifest)
        _copy_measurements(source, manifest, beside)
        beside.rename(run_path)
    except OSError as error:
        raise ArtifactError(
            f"{run_path} cannot be made from {source.path} ({error}); make its folder writable or free some space."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return tuple(manifest.stages)


def _is_whole(source: Run, stage: str) -> bool:
    """Whether the files of a stage hold all that later stages read: shipped runs lack tokens of training images."""
    if not stage.startswith("tokens"):
        return True
    return all(_has_training_tokens(source.path / file) for file in source.manifest.stages[stage].files)


def _has_training_tokens(path: Path) -> bool:
    if not path.exists():
        return False
    with np.load(path, allow_pickle=False) as arrays:
        return "train" in arrays


def _why_not(source: Run, config: ExperimentConfig) -> str:
    if "vae" not in source.manifest.stages:
        return f"{source.id} has no finished VAE; resume that run first, or choose another."
    changed = [key for key, _, _ in setting_changes(source.config, config) if key.split(".")[0] in VAE_SETTINGS]
    what = f"{', '.join(changed)} must be as in {source.id}" if changed else f"{source.id} was made by another geovq"
    return f"The VAE of {source.id} cannot be kept: {what}; change that back, or train a new VAE."


def _copy(source: Run, file: str, digest: str, folder: Path) -> None:
    original, copy = source.path / file, folder / file
    if not original.exists():
        raise ArtifactError(f"{original} is missing; {layout.remedy(source.path, file)}.")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(original, copy)
    if file_digest(copy) != digest:
        raise ArtifactError(f"{original} is damaged; {layout.remedy(source.path, file)}.")


def _copy_measurements(source: Run, manifest: Manifest, folder: Path) -> None:
    """Copy what was recorded during the trainings that are taken over: rows of metrics, and snapshots."""
    rows = [row for row in source.metrics() if row.get("stage") in manifest.stages]
    (folder / METRICS_FILE).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for path in (source.path / SNAPSHOT_FOLDER).glob("*.safetensors"):
        if path.stem.rpartition("-")[0] in manifest.stages:
            (folder / SNAPSHOT_FOLDER).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / SNAPSHOT_FOLDER / path.name)
