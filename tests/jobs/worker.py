"""A job as `python -m geovq run` is one, with counting in place of training: worker.py RUN ROOT N_STEPS."""

import sys
import time

from geovq.errors import Cancelled
from geovq.progress import stop_if_requested
from geovq.runs.process.device_slot import device_slot
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import State

run_path, root, n_steps = sys.argv[1:]
progress = RunProgress(run_path, terminal=False)
try:
    with device_slot(root, run_path, on_wait=progress.waiting, poll_s=0.02):
        progress.begin_stage("count", 1, 1)
        progress.start("counting", int(n_steps), "steps")
        for step in range(int(n_steps)):
            stop_if_requested(progress)
            progress.record({"step": step})
            time.sleep(0.01)
            progress.advance()
    progress.finish(State.DONE)
except Cancelled as stop:
    progress.finish(State.CANCELLED, str(stop))
