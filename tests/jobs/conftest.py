import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from geovq.config import parse_config
from geovq.jobs import launch
from geovq.runs.process.pids import find_process, process_start

WORKER = Path(__file__).with_name("worker.py")


class Jobs:
    """Starts jobs below a root, and remembers them so that none outlives its test."""

    def __init__(self, root):
        self.root = root
        self._groups = []

    def launch(self, name, command=(sys.executable, "-S", "-c", "import time; time.sleep(60)"), **settings):
        config = parse_config({"name": name, "data": {"dataset": "mnist-sample"}, **settings})
        return self.remember(launch(config, self.root, command=command))

    def launch_worker(self, name, n_steps=100_000):
        return self.launch(name, self.worker_command(name, n_steps))

    def worker_command(self, name, n_steps=100_000):
        run_path = self.root / "mnist-sample" / name
        return [sys.executable, str(WORKER), str(run_path), str(self.root), str(n_steps)]

    def remember(self, job):
        self._groups.append((job.pid, process_start(job.pid)))
        return job

    def end(self):
        for pid, started in self._groups:
            if find_process(pid, started):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                wait_until(lambda pid=pid, started=started: find_process(pid, started) is None)


def wait_until(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def wait_until_fixture():
    return wait_until


@pytest.fixture
def root(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def jobs(root):
    jobs = Jobs(root)
    yield jobs
    jobs.end()
