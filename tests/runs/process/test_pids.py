import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from geovq.runs.process.pids import find_process, process_start, this_process


def test_this_process_is_found_by_its_identity():
    pid, started = this_process()
    assert pid == os.getpid()
    assert find_process(pid, started).pid == pid


def test_a_recycled_pid_is_not_believed():
    pid, started = this_process()
    assert find_process(pid, started - 60.0) is None


@pytest.mark.parametrize(("pid", "started"), [(None, 1.0), (1, None), (2**31 - 1, 1.0)])
def test_an_incomplete_or_absent_identity_is_no_process(pid, started):
    assert find_process(pid, started) is None
    assert process_start(2**31 - 1) is None


@pytest.mark.skipif(sys.platform == "win32", reason="zombies are a matter of POSIX")
def test_a_zombie_is_dead():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = process_start(process.pid)
    assert find_process(process.pid, started) is not None
    process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert find_process(process.pid, started) is None
    process.wait()
