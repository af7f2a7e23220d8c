import json
import subprocess
import sys
from dataclasses import replace

import pytest

from geovq.errors import ArtifactError
from geovq.runs.process import status as status_module
from geovq.runs.process.pids import process_start, this_process
from geovq.runs.process.status import (
    State,
    Status,
    clear_cancel,
    create_status,
    read_status,
    request_cancel,
    stored_status,
    write_status,
)


def running_here(**values):
    pid, started = this_process()
    return Status(State.RUNNING, pid=pid, pid_started=started, **values)


@pytest.fixture
def dead():
    """Identity of a process that has ended and was reaped."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    started = process_start(process.pid)
    process.communicate(b"\n")
    return {"pid": process.pid, "pid_started": started}


def test_a_status_reads_as_it_was_written(tmp_path):
    status = running_here(
        stage="vae", stage_index=1, n_stages=4, step=3, total=10, unit="steps", rate_per_s=2.5, eta_s=2.8
    )
    write_status(tmp_path, status)
    assert read_status(tmp_path) == status


def test_no_file_is_no_status(tmp_path):
    assert read_status(tmp_path) is None
    assert read_status(tmp_path / "absent") is None


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff\xfe", b'{"state": "asleep"}', b'{"state": "done", "step": "x"}']
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, content):
    (tmp_path / "status.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"status\.json is damaged .* delete that file"):
        read_status(tmp_path)


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "status.json").mkdir()
    with pytest.raises(ArtifactError, match=r"status\.json cannot be read"):
        read_status(tmp_path)


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.CANCELLING])
def test_a_job_whose_process_is_gone_is_lost(tmp_path, dead, state):
    write_status(tmp_path, Status(state, **dead, eta_s=3.0))
    status = read_status(tmp_path)
    assert status.state is State.LOST
    assert status.eta_s is None
    assert "job.log" in status.remedy


def test_a_job_whose_pid_was_given_to_another_process_is_lost(tmp_path):
    pid, started = this_process()
    write_status(tmp_path, Status(State.RUNNING, pid=pid, pid_started=started - 3600))
    assert read_status(tmp_path).state is State.LOST


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
def test_a_job_that_ended_stays_as_it_ended(tmp_path, dead, state):
    write_status(tmp_path, Status(state, **dead))
    request_cancel(tmp_path)
    assert read_status(tmp_path).state is state


def test_a_job_that_is_asked_to_stop_is_cancelling_and_then_cancelled(tmp_path, dead):
    write_status(tmp_path, running_here())
    request_cancel(tmp_path)
    assert read_status(tmp_path).state is State.CANCELLING
    write_status(tmp_path, Status(State.RUNNING, **dead))
    assert read_status(tmp_path).state is State.CANCELLED
    clear_cancel(tmp_path)
    assert read_status(tmp_path).state is State.LOST


def test_a_last_word_written_while_we_look_is_not_missed(tmp_path, dead, monkeypatch):
    write_status(tmp_path, Status(State.RUNNING, **dead))

    def ends_before_the_look(pid, started):
        write_status(tmp_path, Status(State.DONE, **dead))

    monkeypatch.setattr(status_module, "find_process", ends_before_the_look)
    assert read_status(tmp_path).state is State.DONE


def test_creating_a_status_never_replaces_one(tmp_path):
    first = running_here(stage="vae")
    assert create_status(tmp_path, first)
    assert not create_status(tmp_path, replace(first, state=State.QUEUED))
    assert stored_status(tmp_path) == first


def test_a_status_that_is_being_created_is_none_yet(tmp_path):
    (tmp_path / "status.json").touch()
    assert read_status(tmp_path) is None


def test_states_are_words_in_the_file(tmp_path):
    write_status(tmp_path, running_here())
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "running"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    for write in (write_status, create_status):
        with pytest.raises(ArtifactError, match=r"file/status\.json cannot be written"):
            write(tmp_path / "file", running_here())
    with pytest.raises(ArtifactError, match="file/cancel cannot be written"):
        request_cancel(tmp_path / "file")
