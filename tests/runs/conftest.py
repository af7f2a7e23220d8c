import subprocess
import sys

import pytest

from geovq.runs.processes import process_start


@pytest.fixture
def other_process():
    """Identity of a living process that is not this one."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield {"pid": process.pid, "pid_started": process_start(process.pid)}
    process.kill()
    process.wait()
