import contextlib
import json
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import asdict

import pytest

from geovq.errors import Cancelled, JobError
from geovq.runs.process.device_slot import Ticket, device_slot, live_tickets
from geovq.runs.process.pids import this_process
from geovq.runs.process.status import State, Status, request_cancel, write_status

# Real processes that pay for their imports once: the server imports, each child is a fork of it.
processes = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
POLL_S = 0.01


@pytest.fixture(scope="module", autouse=True)
def preloaded():
    if sys.platform != "win32":
        processes.set_forkserver_preload(["geovq.runs.process.device_slot"])


@pytest.fixture
def start():
    """Starts a function in a process of its own; what still lives at the end is killed."""
    started = []

    def start(function, *arguments):
        process = processes.Process(target=function, args=arguments)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def leave_ticket(root, identity, queued_at, **values):
    ticket = Ticket(str(root / "mnist" / "older"), **identity, queued_at=queued_at, **values)
    (root / ".queue").mkdir(parents=True, exist_ok=True)
    file = root / ".queue" / ticket.file_name
    file.write_text(json.dumps(asdict(ticket)))
    return file


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(POLL_S)


def enter_many_times(root, name, n_times):
    for _ in range(n_times):
        with device_slot(root, root / "mnist" / name, poll_s=0.001):
            with (root / "inside").open("x"):  # fails if another process is inside
                time.sleep(0.003)
            (root / "inside").unlink()


def enter_and_stay(root, name):
    with device_slot(root, root / "mnist" / name, poll_s=POLL_S):
        (root / f"{name} is inside").touch()
        time.sleep(60)


def test_two_processes_are_never_inside_together(tmp_path, start):
    racers = [start(enter_many_times, tmp_path, f"racer{i}", 15) for i in range(4)]
    for racer in racers:
        racer.join(timeout=20)
    assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
    assert live_tickets(tmp_path) == []


def test_the_lock_alone_excludes_when_tickets_vanish(tmp_path, start):
    racers = [start(enter_many_times, tmp_path, f"racer{i}", 15) for i in range(3)]
    deadline = time.monotonic() + 60
    while any(racer.exitcode is None for racer in racers):
        assert time.monotonic() < deadline, "the racers never end"
        for file in (tmp_path / ".queue").glob("*.json"):
            file.unlink(missing_ok=True)
    assert [racer.exitcode for racer in racers] == [0, 0, 0]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_holder_frees_the_slot_for_the_next(tmp_path, start):
    first = start(enter_and_stay, tmp_path, "first")
    wait_until((tmp_path / "first is inside").exists)
    second = start(enter_and_stay, tmp_path, "second")
    wait_until(lambda: len(live_tickets(tmp_path)) == 2)
    assert [(ticket.pid, ticket.holding) for ticket in live_tickets(tmp_path)] == [
        (first.pid, True),
        (second.pid, False),
    ]
    os.kill(first.pid, signal.SIGKILL)
    wait_until((tmp_path / "second is inside").exists)
    assert [ticket.pid for ticket in live_tickets(tmp_path)] == [second.pid]


def test_an_older_ticket_goes_first_and_the_place_is_told(tmp_path, other_process):
    seen = []
    older = leave_ticket(tmp_path, other_process, queued_at=1.0, holding=True)
    leave_ticket(tmp_path, other_process, queued_at=2.0)
    leave_ticket(tmp_path, other_process, queued_at=time.time() + 1000)

    def look(position, holder):
        seen.append((position, holder))
        if len(seen) == 2:
            for file in (tmp_path / ".queue").glob("*.json"):
                if file.name.startswith("0" * 10):
                    file.unlink()

    assert older.name.startswith("0" * 10)
    with device_slot(tmp_path, tmp_path / "mnist" / "mine", on_wait=look, poll_s=POLL_S):
        pid, _ = this_process()
        assert live_tickets(tmp_path)[0].pid == pid
    assert seen == [(2, "mnist/older")] * 2


def test_a_job_is_as_old_as_its_launch(tmp_path):
    pid, started = this_process()
    run = tmp_path / "mnist" / "mine"
    write_status(run, Status(State.QUEUED, pid=pid, pid_started=started, queued_at=123.0))
    with device_slot(tmp_path, run):
        assert live_tickets(tmp_path)[0].queued_at == 123.0


def test_dead_and_damaged_tickets_are_swept(tmp_path):
    leave_ticket(tmp_path, {"pid": 2**31 - 1, "pid_started": 1.0}, queued_at=1.0)
    (tmp_path / ".queue" / "0.json").write_text("{")
    with device_slot(tmp_path, tmp_path / "mnist" / "mine"):
        assert len(list((tmp_path / ".queue").glob("*.json"))) == 1
    assert list((tmp_path / ".queue").glob("*.json")) == []


def test_cancel_ends_the_wait_and_returns_the_ticket(tmp_path, other_process):
    theirs = leave_ticket(tmp_path, other_process, queued_at=1.0)
    run = tmp_path / "mnist" / "mine"
    run.mkdir(parents=True)
    with (
        pytest.raises(Cancelled, match="mnist/mine was cancelled before it got the device"),
        device_slot(tmp_path, run, on_wait=lambda position, holder: request_cancel(run), poll_s=POLL_S),
    ):
        pytest.fail("the device belongs to the older job")
    assert list((tmp_path / ".queue").glob("*.json")) == [theirs]


def test_an_error_inside_frees_the_slot(tmp_path):
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError), device_slot(tmp_path, tmp_path / "mnist" / "mine"):
            raise ZeroDivisionError
    assert live_tickets(tmp_path) == []


def test_a_root_that_cannot_be_locked_is_named(tmp_path):
    (tmp_path / ".device.lock").mkdir()
    with (
        pytest.raises(JobError, match=r"\.device\.lock cannot be locked .* outputs folder"),
        device_slot(tmp_path, tmp_path / "mnist" / "mine"),
    ):
        pytest.fail("there is no lock to hold")
