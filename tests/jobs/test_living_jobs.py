from geovq.jobs import queue
from geovq.runs.process.pids import this_process
from geovq.runs.process.status import State, Status, write_status


def living(state, **values):
    pid, started = this_process()
    return Status(state, pid=pid, pid_started=started, **values)


def test_no_root_is_an_empty_queue(tmp_path):
    assert queue(tmp_path / "absent") == []


def test_the_job_at_work_comes_first_then_the_oldest(tmp_path):
    write_status(tmp_path / "mnist" / "newer", living(State.QUEUED, queued_at=3.0))
    write_status(tmp_path / "mnist" / "older", living(State.QUEUED, queued_at=1.0))
    write_status(tmp_path / "mnist" / "at-work", living(State.RUNNING, queued_at=2.0, started_at=2.5))
    write_status(tmp_path / "mnist" / "done", living(State.DONE, queued_at=0.0, started_at=0.5))
    write_status(tmp_path / "mnist" / "lost", Status(State.RUNNING, pid=2**31 - 1, pid_started=1.0))
    (tmp_path / "mnist" / "damaged").mkdir()
    (tmp_path / "mnist" / "damaged" / "status.json").write_text("{")
    assert [(job.run_id, job.position) for job in queue(tmp_path)] == [
        ("mnist/at-work", 0),
        ("mnist/older", 1),
        ("mnist/newer", 2),
    ]


def test_the_oldest_waiting_job_is_next_even_if_none_is_at_work(tmp_path):
    write_status(tmp_path / "mnist" / "base", living(State.QUEUED, queued_at=3.0))
    assert [job.position for job in queue(tmp_path)] == [1]
