"""Starting a job: one detached process that outlives the app, in its own session, with its output in job.log."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geovq.artifacts import write_bytes_atomic
from geovq.bundle import package_parent
from geovq.config import ExperimentConfig, dump_config, load_config
from geovq.errors import JobError
from geovq.jobs.folders import LOG_FILE, changing_runs, refuse_if_active, require_run, resolve_run
from geovq.runs.carry_over import begin_from
from geovq.runs.layout import CONFIG_FILE
from geovq.runs.pipeline import may_be_corrected
from geovq.runs.process.pids import process_start
from geovq.runs.process.status import STATUS_FILE, State, Status, clear_cancel, create_status, write_status
from geovq.runs.reading import open_run


@dataclass(frozen=True)
class Job:
    """A process that was started."""

    run_path: Path
    pid: int


def launch(
    config: ExperimentConfig,
    outputs_root: str | Path,
    *,
    target: str = "run",
    reuse: str | Path | None = None,
    command: Sequence[str] | None = None,
) -> Job:
    """Start the job of an experiment in `<outputs_root>/<dataset>/<name>`.

    A run of that name with the same settings is continued; its finished stages are not made again.

    Parameters
    ----------
    config : ExperimentConfig
    outputs_root : path
        Made if it does not exist.
    target : str, default="run"
        One of `geovq.runs.stages.plan.TARGETS`: what to make of the experiment, with all that this needs.
    reuse : path, optional
        A run whose finished stages a new run begins with, as far as the settings agree; its VAE at least. A run that
        exists goes on with its own.
    command : sequence of str, optional
        What to execute; default `python -P -m geovq TARGET RUN/config.yaml --out RUN`.

    Returns
    -------
    Job
        At once; the job waits for the device by itself.

    Raises
    ------
    JobError
        If a job works on this run already, the run exists with other settings, or the process cannot be started.
    ConfigError, ArtifactError
        If the VAE of `reuse` does not fit the settings, or cannot be read.
    """
    run_id = f"{config.data.dataset}/{config.name}"
    run_path = require_run(outputs_root, resolve_run(outputs_root, run_id))
    with changing_runs(Path(outputs_root).resolve()):
        refuse_if_active(run_path)
        file = run_path / CONFIG_FILE
        if not file.exists() and reuse is not None:
            taken = begin_from(open_run(reuse), config, run_path)
            (run_path / LOG_FILE).write_text(f"Taken over from {reuse}: {', '.join(taken)}.\n", encoding="utf-8")
        elif not file.exists() or may_be_corrected(run_path):
            write_bytes_atomic(file, dump_config(config).encode())
        elif load_config(file) != config:
            raise JobError(
                f"{run_path} holds a run with other settings; choose another name, or delete that run first."
            )
        return _start(run_path, command or _worker_command(run_path, target))


def resume(run_path: str | Path, outputs_root: str | Path, *, command: Sequence[str] | None = None) -> Job:
    """Start a job again on a run that exists, with the settings it has; errors and `command` as `launch`."""
    run_path = require_run(outputs_root, run_path)
    with changing_runs(Path(outputs_root).resolve()):
        refuse_if_active(run_path)
        load_config(run_path / CONFIG_FILE)  # an error now, not in a log
        return _start(run_path, command or _worker_command(run_path, "run"))


def _start(run_path: Path, command: Sequence[str]) -> Job:
    queued_at = time.time()
    try:
        clear_cancel(run_path)
        # Removed before the process exists, so that any status from now on is about this job. If the job writes its
        # own before `create_status` below, that one stays.
        (run_path / STATUS_FILE).unlink(missing_ok=True)
        process = _spawn(run_path, command)
    except OSError as error:
        sentence = f"The job's process cannot be started ({error})."
        remedy = "Check the free memory, and that the run's folder is writable."
        write_status(run_path, Status(State.FAILED, message=sentence, remedy=remedy, updated_at=time.time()))
        raise JobError(f"{run_path}: {sentence} {remedy}") from error
    queued = Status(
        State.QUEUED,
        pid=process.pid,
        pid_started=process_start(process.pid),
        queued_at=queued_at,
        updated_at=queued_at,
    )
    create_status(run_path, queued)
    # Waiting in a thread leaves no zombie; the job goes on if this process ends first.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return Job(run_path, process.pid)


def _worker_command(run_path: Path, target: str) -> list[str]:
    return [sys.executable, "-P", "-m", "geovq", target, str(run_path / CONFIG_FILE), "--out", str(run_path)]


def _spawn(run_path: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    with (run_path / LOG_FILE).open("ab") as log:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            **_detached(),
        )


def _environment() -> dict[str, str]:
    """Environment of this process, with this geovq first on the path: -P keeps one in the current folder out."""
    path = os.pathsep.join(filter(None, [str(package_parent()), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _detached() -> dict[str, Any]:
    """Options that keep the job alive when the terminal or the app that started it goes."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    return {"start_new_session": True}
