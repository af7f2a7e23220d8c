"""One process making one run: it waits for the device, works, and however it ends writes why into the status."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from geovq.config import ExperimentConfig
from geovq.errors import Cancelled, ConfigError, GeovqError
from geovq.runs.layout import command, outputs_root
from geovq.runs.pipeline import make_run, prepare_run
from geovq.runs.process.device_slot import QUEUE_FOLDER, device_slot
from geovq.runs.process.interruption import interruptible
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import State
from geovq.runs.stages.plan import TARGETS, plan


def work_on_run(
    config: ExperimentConfig,
    run_path: Path,
    *,
    terminal: bool,
    target: str = "run",
    stages: Callable[[str], bool] | None = None,
    queues: bool = True,
) -> list[str]:
    """Make a run, or the part of it that a target names, in this process.

    Parameters
    ----------
    config : ExperimentConfig
    run_path : Path
        Folder of the run; made if it does not exist.
    terminal : bool
        Whether progress is shown as bars.
    target : str, default="run"
        One of `geovq.runs.stages.plan.TARGETS`.
    stages : callable, optional
        Chooses among the names of the stages in the target's place.
    queues : bool, default=True
        Whether it waits until no other run is at work; if not, the caller sees to it that the device bears both.

    Returns
    -------
    list of str
        Names of the stages that were done; empty if everything was up to date.

    Raises
    ------
    Cancelled
        If the work was cancelled or interrupted; the message has the command that goes on.
    GeovqError
        If the run cannot be made. Once this process works on the run, the run's status says the same.
    """
    if stages is None:
        _require_work(config, target)
    wanted = stages or TARGETS[target]
    prepare_run(config, run_path)
    progress = RunProgress(run_path, terminal=terminal)
    go_on = f"`{command(run_path, target)}` goes on."
    try:
        slot = device_slot(_queue_root(run_path), run_path, on_wait=progress.waiting) if queues else nullcontext()
        with interruptible(), slot:
            done = make_run(config, run_path, progress, lambda stage: wanted(stage.name))
    except Cancelled as error:
        progress.finish(State.CANCELLED, str(error), go_on)
        raise Cancelled(f"{error} {go_on}") from error
    except (KeyboardInterrupt, BrokenPipeError) as error:  # Ctrl-C, SIGTERM; the reader of our output has ended
        sentence = "The work was interrupted; what it had finished or saved is kept."
        progress.finish(State.CANCELLED, sentence, go_on)
        raise Cancelled(f"{sentence} {go_on}") from error
    except GeovqError as error:
        progress.finish(State.FAILED, str(error), f"When that is mended, {go_on}")
        raise
    except BaseException as error:  # a bug; Python prints the traceback
        progress.finish(State.FAILED, f"{type(error).__name__}: {error}", "Please report this with what was printed.")
        raise
    progress.finish(State.DONE, "Finished." if done else "Everything was up to date.")
    return done


def _require_work(config: ExperimentConfig, target: str) -> None:
    if not any(TARGETS[target](stage.name) for stage in plan(config)):
        raise ConfigError(
            f"{target} has nothing to make where tokenizers are {', '.join(config.tokenizers)}, refits are "
            f"{', '.join(config.refits) or 'none'} and priors are {', '.join(config.priors) or 'none'}; "
            "add to these settings."
        )


def _queue_root(run_path: Path) -> Path:
    """Runs of one outputs folder share the device's queue; a run elsewhere waits among the default ones."""
    root = run_path.parent.parent
    return root if (root / QUEUE_FOLDER).is_dir() else outputs_root()
