import os
import signal
import sys

import psutil
import pytest

from geovq.errors import JobError
from geovq.jobs import cancel, control, reconcile
from geovq.runs.process.pids import find_process, process_start
from geovq.runs.process.status import State, Status, read_status, write_status

IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print('SIGTERM'))
print('ready')
while True: time.sleep(0.05)
"""
STARTS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])
print(child.pid)
time.sleep(60)
"""


def python(code):
    return (sys.executable, "-u", "-S", "-c", code)


def log(job):
    return (job.run_path / "job.log").read_text().split()


def test_a_job_that_ignores_the_flag_is_terminated_after_a_while(jobs, wait_until):
    job = jobs.launch("base")
    cancel(job.run_path)
    assert reconcile(job.run_path).state is State.CANCELLING  # patience is not over
    reconcile(job.run_path, terminate_after_s=0)
    wait_until(lambda: read_status(job.run_path).state is State.CANCELLED)


def test_a_job_that_ignores_sigterm_gets_it_once_and_is_then_killed(jobs, wait_until):
    job = jobs.launch("base", python(IGNORES_SIGTERM))
    wait_until(lambda: "ready" in log(job))
    cancel(job.run_path)
    for _ in range(3):
        assert reconcile(job.run_path, terminate_after_s=0).state is State.CANCELLING
    wait_until(lambda: "SIGTERM" in log(job))
    assert log(job).count("SIGTERM") == 1
    reconcile(job.run_path, terminate_after_s=0, kill_after_s=0)
    wait_until(lambda: reconcile(job.run_path).state is State.CANCELLED)


@pytest.mark.parametrize("leads_its_group", [True, False])
def test_what_the_job_started_ends_with_it(jobs, wait_until, monkeypatch, leads_its_group):
    job = jobs.launch("base", python(STARTS_A_CHILD))
    wait_until(lambda: log(job))
    child = int(log(job)[0])
    identity = (child, process_start(child))
    assert find_process(*identity)
    if not leads_its_group:
        monkeypatch.setattr(control.os, "getpgid", lambda pid: pid + 1)
    cancel(job.run_path)
    reconcile(job.run_path, terminate_after_s=0, kill_after_s=0)
    wait_until(lambda: find_process(*identity) is None and read_status(job.run_path).state is State.CANCELLED)


def test_a_job_that_nobody_cancelled_is_left_alone(jobs):
    job = jobs.launch("base")
    assert reconcile(job.run_path, terminate_after_s=0, kill_after_s=0).state is State.QUEUED
    assert psutil.pid_exists(job.pid)


def test_a_recycled_pid_is_never_signalled(tmp_path):
    write_status(tmp_path, Status(State.RUNNING, pid=os.getpid(), pid_started=process_start(os.getpid()) - 60))
    (tmp_path / "cancel").touch()
    received = []
    before = signal.signal(signal.SIGTERM, lambda *_: received.append("SIGTERM"))
    try:
        assert reconcile(tmp_path, terminate_after_s=0).state is State.CANCELLED
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == []


def test_only_a_living_job_can_be_cancelled(tmp_path):
    with pytest.raises(JobError, match="it never had one"):
        cancel(tmp_path)
    write_status(tmp_path, Status(State.DONE))
    with pytest.raises(JobError, match="its state is done"):
        cancel(tmp_path)
    assert not (tmp_path / "cancel").exists()
    assert reconcile(tmp_path).state is State.DONE
