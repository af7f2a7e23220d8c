"""One process making one run: it waits for the device, works, and leaves a last word whatever happens."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from geovq.config import ExperimentConfig
from geovq.errors import Cancelled, GeovqError
from geovq.runs.layout import CONFIG_FILE, outputs_root
from geovq.runs.pipeline import make_run, prepare_run
from geovq.runs.reading import open_run
from geovq.runs.reporting import RunProgress
from geovq.runs.slot import device_slot
from geovq.runs.status import State
from geovq.runs.tables import measurements_table


def work_on_run(
    config: ExperimentConfig, run_path: Path, *, terminal: bool, wanted: Callable[[str], bool] = lambda stage: True
) -> None:
    """Make the wanted stages of a run in this process, and print its measurements.

    Parameters
    ----------
    config : ExperimentConfig
    run_path : Path
        Folder of the run; made if it does not exist.
    terminal : bool
        Whether progress is shown as bars.
    wanted : callable, optional
        Chooses stages by name.

    Raises
    ------
    GeovqError
        If the run cannot be made, or was cancelled; its status says the same.
    """
    prepare_run(config, run_path)
    progress = RunProgress(run_path, terminal=terminal)
    again = f"Start it again to go on: python -m geovq run {run_path / CONFIG_FILE} --out {run_path}"
    try:
        with device_slot(_queue_root(run_path), run_path, on_wait=progress.waiting):
            done = make_run(config, run_path, progress, lambda stage: wanted(stage.name))
    except Cancelled as error:
        progress.finish(State.CANCELLED, str(error), again)
        raise
    except GeovqError as error:
        progress.finish(State.FAILED, str(error), again)
        raise
    except KeyboardInterrupt:
        progress.finish(State.CANCELLED, "The job was interrupted.", again)
        raise
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)  # a fault of ours, not of the user's: the log needs all of it
        progress.finish(State.FAILED, f"{type(error).__name__}: {error}", "Please report this with the end of job.log.")
        raise
    progress.finish(State.DONE, "Finished." if done else "Everything was up to date.")
    run = open_run(run_path)
    if run.measurements:
        print(f"\n{measurements_table({run.id: dict(run.measurements)})}\n")
    print(f"{run_path}: {'made ' + ', '.join(done) if done else 'everything was up to date'}.")


def _queue_root(run_path: Path) -> Path:
    """Runs of one outputs folder share the device's queue; a run elsewhere waits among the default ones."""
    root = run_path.parent.parent
    return root if (root / ".queue").is_dir() or root == outputs_root() else outputs_root()
