"""In a classroom nothing starts, stops or goes, whoever asks."""

import pytest

from geovq import jobs
from geovq.config import parse_config
from geovq.errors import JobError
from geovq.jobs.cleaning import delete, rubbish
from geovq.runs.process.pids import this_process
from geovq.runs.process.status import State, Status, cancel_requested, write_status


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOVQ_MODE", "classroom")
    return tmp_path / "outputs"


@pytest.fixture
def run(root):
    path = root / "mnist-sample" / "base"
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("name: base\ndata: {dataset: mnist-sample}\n")
    write_status(path, Status(State.FAILED))
    return path


def test_no_job_is_started_and_no_folder_made(root):
    config = parse_config({"name": "mine", "data": {"dataset": "mnist-sample"}})
    with pytest.raises(JobError, match="classroom mode, where starting or deleting a run is not allowed"):
        jobs.launch(config, root, command=["true"])
    assert not root.exists()


@pytest.mark.parametrize(
    "action",
    [
        lambda run, root: jobs.resume(run, root, command=["true"]),
        lambda run, root: jobs.delete_run(run, root),
        lambda run, root: delete(rubbish(root)[0], root),
    ],
    ids=["resume", "delete", "clean"],
)
def test_a_run_stays_as_it_is(action, run, root):
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(JobError, match="classroom mode"):
        action(run, root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_job_at_work_is_not_cancelled(run):
    pid, started = this_process()
    write_status(run, Status(State.RUNNING, pid=pid, pid_started=started))
    with pytest.raises(JobError, match="cancelling a job is not allowed"):
        jobs.cancel(run)
    assert not cancel_requested(run)
