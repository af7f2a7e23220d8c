import shutil
import subprocess
import sys

import pytest

from geovq.runs.process.pids import process_start


@pytest.fixture
def other_process():
    """Identity of a living process that is not this one."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield {"pid": process.pid, "pid_started": process_start(process.pid)}
    process.kill()
    process.wait()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An outputs root of this test's own."""
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


@pytest.fixture
def run(root, tiny_run):
    """A finished run below the root that the test may change."""
    path = root / tiny_run.parent.name / tiny_run.name
    shutil.copytree(tiny_run, path)
    return path
