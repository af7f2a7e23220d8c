"""Making a finished run small enough to ship: weights in half precision, tokens of the held-out images only.

Tokens and measurements of the copy are made anew with the rounded weights, so that they are those of the files that
ship. Training tokens are left out: they are most of a run, and only the training of priors and refits reads them.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from geovq.artifacts import file_digest, write_json
from geovq.errors import ArtifactError, GeovqError
from geovq.models import load_model, save_model
from geovq.progress import Progress, SilentProgress
from geovq.replacing import UNFINISHED
from geovq.runs.layout import (
    CONFIG_FILE,
    command,
    decoder_file,
    evaluation_file,
    model_file,
    prior_file,
    tokens_before_refit_file,
    tokens_file,
)
from geovq.runs.manifest import Manifest, write_manifest
from geovq.runs.metrics import METRICS_FILE
from geovq.runs.pipeline import input_digest_of
from geovq.runs.reading import Run, open_run
from geovq.runs.stages.measuring import measure_tokenizer, measure_vae
from geovq.runs.stages.plan import plan
from geovq.runs.stages.tokenizers import tokenize, tokenize_before_refit
from geovq.runs.stages.workspace import Workspace
from geovq.training import resolve_device


def ship(run: Run, folder: Path, progress: Progress | None = None) -> Run:
    """Write a small copy of a finished run.

    Parameters
    ----------
    run : Run
        With every stage of its configuration.
    folder : Path
        Of the copy; must not exist, or be empty.
    progress : Progress, optional

    Returns
    -------
    Run
        The copy.

    Raises
    ------
    ArtifactError
        If the run is not finished or damaged, or the folder is not empty or cannot be written to.
    """
    missing = [stage.name for stage in plan(run.config) if stage.name not in run.manifest.stages]
    if missing:
        raise ArtifactError(f"{run.path} is not finished ({missing[0]} is missing); `{command(run.path)}` goes on.")
    run.verify()
    with _whole_or_not_at_all(Path(os.path.realpath(folder))) as beside:
        _write_copy(run, beside, progress or SilentProgress())
    return open_run(folder)


@contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its place if the block succeeds, and vanishes if not."""
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ArtifactError(f"{folder} is not empty; choose another folder, or delete what is in it.")
        beside.mkdir(parents=True)
        yield beside
        beside.replace(folder)
    except GeovqError:
        raise
    except OSError as error:
        raise ArtifactError(f"{folder} cannot be written ({error}); make room or choose another folder.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)  # it is gone after the rename


def _write_copy(run: Run, folder: Path, progress: Progress) -> None:
    stages = plan(run.config)
    names, config = run.config.tokenizers, run.config
    models = [model_file(name) for name in run.models]
    models += [decoder_file(name) for name in config.refits] + [prior_file(name) for name in config.priors]
    again = [name for name in names if config.is_searched_again(name)]
    made_anew = {*map(tokens_file, names), *map(tokens_before_refit_file, again)}
    made_anew |= {*map(evaluation_file, ("vae", *names))}
    files = [file for stage in stages for file in stage.files if file not in made_anew]
    for file in (CONFIG_FILE, METRICS_FILE, *files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        if file in models:
            save_model(folder / file, load_model(run.path / file), dtype=torch.float16)
        else:
            shutil.copyfile(run.path / file, folder / file)
    work = Workspace(folder, config, resolve_device(config.device), progress)
    for name in again:
        tokenize_before_refit(work, name, ("test",))
    for name in names:
        tokenize(work, name, ("test",))
    write_json(folder / evaluation_file("vae"), measure_vae(work))
    for name in names:
        write_json(folder / evaluation_file(name), measure_tokenizer(work, name))
    write_manifest(folder, _manifest_of_copy(run, folder))


def _manifest_of_copy(run: Run, folder: Path) -> Manifest:
    """The same stages, time and device; digests are of the files of the copy."""
    manifest = run.manifest.model_copy(update={"stages": {}})
    for stage in plan(run.config):
        digests = {file: file_digest(folder / file) for file in stage.files}
        changes = {"files": digests, "input_digest": input_digest_of(stage, manifest)}
        record = run.manifest.stages[stage.name].model_copy(update=changes)
        manifest = manifest.model_copy(update={"stages": {**manifest.stages, stage.name: record}})
    return manifest


def folder_bytes(path: Path) -> int:
    """Size of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
