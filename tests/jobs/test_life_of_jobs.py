"""Jobs as the app sees them, with real processes that report through RunProgress and share one device."""

import os
import signal

import pytest

from geovq.jobs import cancel, queue, reconcile, resume, tail_log
from geovq.runs.metrics import read_metrics
from geovq.runs.process.status import State, read_status


def state(job):
    return read_status(job.run_path).state


# One test, because each worker pays seconds for its imports.
@pytest.mark.slow
def test_jobs_queue_for_the_device_and_survive_cancel_kill_and_resume(jobs, root, wait_until):
    first = jobs.launch_worker("first")
    wait_until(lambda: state(first) is State.RUNNING)
    second = jobs.launch_worker("second", n_steps=3)
    third = jobs.launch_worker("third")
    # They wait in the order of their launch, whichever was ready first.
    wait_until(lambda: "place 1 in the queue, after mnist-sample/first" in read_status(second.run_path).message)
    wait_until(lambda: "place 2 in the queue, after mnist-sample/first" in read_status(third.run_path).message)
    assert [(job.run_id, job.position, job.status.state) for job in queue(root)] == [
        ("mnist-sample/first", 0, State.RUNNING),
        ("mnist-sample/second", 1, State.QUEUED),
        ("mnist-sample/third", 2, State.QUEUED),
    ]

    cancel(third.run_path)  # while it waits
    wait_until(lambda: state(third) is State.CANCELLED)
    os.kill(first.pid, signal.SIGKILL)  # at work: it says nothing, and the device is free
    wait_until(lambda: state(first) is State.LOST)
    config = (first.run_path / "config.yaml").read_bytes()
    again = jobs.remember(resume(first.run_path, root, command=jobs.worker_command("first")))
    assert (again.run_path, state(first)) == (first.run_path, State.QUEUED)
    assert (first.run_path / "config.yaml").read_bytes() == config

    wait_until(lambda: state(second) is State.DONE)
    assert read_metrics(second.run_path) == [{"stage": "count", "step": step} for step in range(3)]
    assert "counting: 3/3 steps" in tail_log(second.run_path)

    wait_until(lambda: state(first) is State.RUNNING)
    cancel(first.run_path)  # at work
    wait_until(lambda: reconcile(first.run_path).state is State.CANCELLED)
    assert read_status(first.run_path).message.startswith("The work was cancelled")
    assert queue(root) == []
