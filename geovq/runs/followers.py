"""The other processes of a `torchrun`: they take part in every training, and the main process does everything else."""

import signal
from pathlib import Path

from geovq.config import ExperimentConfig
from geovq.errors import Cancelled, DivergedError
from geovq.progress import SilentProgress
from geovq.runs.stages.plan import plan
from geovq.runs.stages.workspace import Workspace
from geovq.training import processes, resolve_device


def follow(config: ExperimentConfig, run_path: Path) -> None:
    """Take part in every training that the main process begins, until it says that there are no more."""
    # This process writes no status, and while it waits for the main one no handler could run.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work = Workspace(run_path, config, resolve_device(config.device), SilentProgress())
    stages = {stage.name: stage for stage in plan(config)}
    while (training := _next_training()) is not None:
        name, input_digest = training
        try:
            stages[name].work(work, input_digest)
        except (Cancelled, DivergedError):
            return  # the main process has got the same error; torchrun would end it if this process failed first


def _next_training() -> tuple[str, str] | None:
    """Stage and input digest of what the main process begins next."""
    return processes().agree(None)
