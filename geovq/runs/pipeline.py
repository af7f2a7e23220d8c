"""Making a run: every stage in order; finished ones are skipped, interrupted trainings resume from their checkpoint."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch

from geovq.artifacts import digest_of, discard_unfinished, file_digest, write_bytes_atomic
from geovq.config import ExperimentConfig, dump_config, load_config, setting_changes
from geovq.errors import ArtifactError, ConfigError
from geovq.runs.layout import CONFIG_FILE, MANIFEST_FILE, RESUME_FOLDER, is_shipped
from geovq.runs.manifest import Manifest, StageRecord, new_manifest, read_manifest, record_stage, write_manifest
from geovq.runs.metrics import METRICS_FILE
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import State, read_status
from geovq.runs.stages.plan import Stage, plan, with_needs
from geovq.runs.stages.training import checkpoint_file
from geovq.runs.stages.workspace import Workspace
from geovq.training import resolve_device, resolve_precision

RULES = 1  # raise it when a stage computes something else from the same inputs


def prepare_run(config: ExperimentConfig, run_path: Path) -> None:
    """Make the run's folder and write its configuration, which is frozen as soon as something is made of it.

    Raises
    ------
    ArtifactError
        If the folder cannot be written to, holds something that is not a run, or is a shipped run.
    ConfigError
        If the folder holds a run with other settings.
    """
    if is_shipped(run_path):
        raise ArtifactError(f"{run_path} ships with geovq and is read-only; choose another folder with --out.")
    file = run_path / CONFIG_FILE
    if file.exists():
        changes = setting_changes(load_config(file), config)
        if changes and may_be_corrected(run_path):
            write_bytes_atomic(file, dump_config(config).encode())
        elif changes:
            shown = ", ".join(f"{key} {old!r} → {new!r}" for key, old, new in changes[:4])
            more = f" and {len(changes) - 4} more" if len(changes) > 4 else ""
            raise ConfigError(
                f"{run_path} holds a run with other settings ({shown}{more}); choose another name with --set name=…, "
                "another folder with --out, or delete that run first."
            )
        return
    if run_path.is_dir() and not all(_is_ours_before_config(entry.name) for entry in run_path.iterdir()):
        raise ArtifactError(f"{run_path} is not empty and holds no run; choose an empty or new folder with --out.")
    write_bytes_atomic(file, dump_config(config).encode())


def may_be_corrected(run_path: Path) -> bool:
    """Whether a run failed before anything was made of its settings, so that they may have been what was wrong."""
    made = (MANIFEST_FILE, RESUME_FOLDER, METRICS_FILE)
    if any((run_path / name).exists() for name in made):
        return False
    status = read_status(run_path)
    return status is not None and status.state is State.FAILED


def make_run(
    config: ExperimentConfig,
    run_path: Path,
    progress: RunProgress,
    wanted: Callable[[Stage], bool] = lambda stage: True,
) -> list[str]:
    """Do every wanted stage, and what it needs, that is not up to date.

    Parameters
    ----------
    config : ExperimentConfig
    run_path : Path
        A folder that `prepare_run` has made.
    progress : RunProgress
    wanted : callable, optional
        Chooses among the stages; all by default.

    Returns
    -------
    list of str
        Names of the stages that were done; empty if everything was up to date.

    Raises
    ------
    Cancelled
        If a stop was requested; finished stages stay, and training goes on from its checkpoint next time.
    GeovqError
        If a stage fails; what was finished stays.
    """
    discard_unfinished(run_path)
    work = Workspace(run_path, config, resolve_device(config.device), progress)
    manifest = read_manifest(run_path) or new_manifest(config.seed)
    stages = with_needs(plan(config), wanted)
    done = []
    for index, stage in enumerate(stages, start=1):
        input_digest = input_digest_of(stage, manifest)
        if _is_current(run_path, stage, manifest.stages.get(stage.name), input_digest, progress):
            continue
        progress.begin_stage(stage.name, index, len(stages))
        if stage.name in manifest.stages:  # its files are about to change, so their digests no longer hold
            manifest = manifest.without_stage(stage.name)
            write_manifest(run_path, manifest)
        began = time.monotonic()
        stage.work(work, input_digest)
        elapsed_s = time.monotonic() - began
        record = record_stage(
            run_path, input_digest, stage.files, elapsed_s, work.device, _precision_of(stage, work.device)
        )
        manifest = manifest.with_stage(stage.name, record)
        write_manifest(run_path, manifest)
        checkpoint_file(run_path, stage.name, input_digest).unlink(missing_ok=True)
        done.append(stage.name)
    if len(stages) == len(plan(config)):
        shutil.rmtree(run_path / RESUME_FOLDER, ignore_errors=True)
    return done


def _precision_of(stage: Stage, device: torch.device) -> str:
    """Of the training of a stage; a refit has no such setting, and takes the best that the device can."""
    training = stage.settings.get("training")
    return "32-true" if training is None else resolve_precision(training.get("precision", "auto"), device)


def input_digest_of(stage: Stage, manifest: Manifest) -> str:
    """Digest of all that a stage's result depends on: its settings, and the files of the stages it needs."""
    needs = {name: manifest.stages[name].files for name in stage.needs}
    return digest_of({"rules": RULES, "stage": stage.name, "settings": stage.settings, "needs": needs})


def _is_current(
    run_path: Path, stage: Stage, record: StageRecord | None, input_digest: str, progress: RunProgress
) -> bool:
    if record is None or record.input_digest != input_digest:
        return False
    for file, digest in record.files.items():
        path = run_path / file
        if not path.exists() or file_digest(path) != digest:
            progress.note(f"{path} is {'damaged' if path.exists() else 'missing'}; stage {stage.name} is done again.")
            return False
    return True


def _is_ours_before_config(name: str) -> bool:
    """Whether a file is one that jobs leave in a run's folder before there is a configuration."""
    return name.startswith(".") or name in {"status.json", "job.log", "cancel", "metrics.jsonl"}
