"""The last word of a job, for every way in which it can end."""

import contextlib
import os
import shutil
import signal

import pytest

from geovq.cli import main
from geovq.config import load_config, parse_config
from geovq.errors import Cancelled, ConfigError, DivergedError, GeovqError, JobError
from geovq.runs.process.device_slot import QUEUE_FOLDER, live_tickets
from geovq.runs.process.status import State, Status, read_status, request_cancel, write_status
from geovq.runs.worker import work_on_run
from tests.conftest import TINY


@pytest.fixture
def path(root):
    return root / "mnist-sample" / "tiny"


@pytest.fixture
def stage_raises(monkeypatch):
    """Makes the first stage raise; nothing is trained."""

    def prepare(error):
        def work(*arguments, **options):
            raise error

        monkeypatch.setattr("geovq.runs.stages.training.fit", work)

    return prepare


def test_a_run_that_is_up_to_date_is_done(run, tiny_config):
    assert work_on_run(tiny_config, run, terminal=False) == []
    status = read_status(run)
    assert (status.state, status.message, status.remedy) == (State.DONE, "Everything was up to date.", "")


def test_a_run_that_was_mended_is_done(run, tiny_config):
    (run / "evaluation" / "vae.json").unlink()
    assert work_on_run(tiny_config, run, terminal=False) == ["evaluation:vae"]
    status = read_status(run)
    assert (status.state, status.message, status.stage) == (State.DONE, "Finished.", "evaluation:vae")


def test_an_error_with_a_message_for_a_person_is_the_reason(path, tiny_config, stage_raises):
    stage_raises(DivergedError("vae: the loss became nan; lower learning_rate."))
    with pytest.raises(DivergedError):
        work_on_run(tiny_config, path, terminal=False)
    status = read_status(path)
    assert (status.state, status.message) == (State.FAILED, "vae: the loss became nan; lower learning_rate.")
    assert status.remedy == f"When that is mended, `python -m geovq run {path}` goes on."


def test_an_error_of_ours_is_reported_as_one_and_goes_to_the_log(path, tiny_config, stage_raises):
    stage_raises(ZeroDivisionError("division by zero"))
    with pytest.raises(ZeroDivisionError):
        work_on_run(tiny_config, path, terminal=False)
    status = read_status(path)
    assert (status.state, status.message) == (State.FAILED, "ZeroDivisionError: division by zero")
    assert "report" in status.remedy


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError(32, "Broken pipe")])
def test_an_interruption_says_how_to_go_on(path, tiny_config, stage_raises, error):
    stage_raises(error)
    with pytest.raises(Cancelled, match=rf"`python -m geovq train-vae {path}` goes on\.$"):
        work_on_run(tiny_config, path, terminal=False, target="train-vae")
    status = read_status(path)
    assert (status.state, status.remedy) == (State.CANCELLED, f"`python -m geovq train-vae {path}` goes on.")


def test_sigterm_is_an_interruption_and_its_handler_goes_with_the_work(path, monkeypatch, capsys):
    def terminate(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("geovq.runs.stages.training.fit", terminate)
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("name: tiny\ndata: {dataset: mnist-sample}\n")
    before = signal.getsignal(signal.SIGTERM)
    assert main(["run", str(path)]) == 130
    assert signal.getsignal(signal.SIGTERM) == before
    assert read_status(path).state is State.CANCELLED
    assert f"`python -m geovq run {path}` goes on." in capsys.readouterr().err


def test_a_job_that_is_cancelled_while_it_waits_never_starts(path, tiny_config, other_process, monkeypatch):
    root = path.parent.parent
    (root / QUEUE_FOLDER).mkdir(parents=True)
    ticket = '{{"run_path": "x/y", "pid": {pid}, "pid_started": {pid_started}, "queued_at": 0, "holding": true}}'
    (root / QUEUE_FOLDER / "0.json").write_text(ticket.format(**other_process))
    monkeypatch.setattr("geovq.runs.process.device_slot.time.sleep", lambda seconds: request_cancel(path))
    with pytest.raises(Cancelled, match="mnist-sample/tiny was cancelled before it got the device"):
        work_on_run(tiny_config, path, terminal=False)
    assert read_status(path).state is State.CANCELLED
    assert [ticket.run_path for ticket in live_tickets(root)] == ["x/y"]


def test_a_run_that_another_process_works_on_is_left_to_it(run, tiny_config, other_process):
    theirs = Status(State.RUNNING, **other_process)
    write_status(run, theirs)
    with pytest.raises(
        JobError, match=r"is being worked on by process \d+ \(running\); wait for it or cancel it first"
    ):
        work_on_run(tiny_config, run, terminal=False)
    assert read_status(run) == theirs


def test_what_cannot_be_prepared_gets_no_status(run, tiny_config):
    before = read_status(run)
    with pytest.raises(ConfigError, match="other settings"):
        work_on_run(parse_config({**TINY, "seed": 1}), run, terminal=False)
    assert read_status(run) == before


def test_a_damaged_manifest_is_the_reason_of_a_failure(run, tiny_config):
    (run / "manifest.json").write_text("{")
    with pytest.raises(GeovqError, match=r"manifest\.json is damaged"):
        work_on_run(tiny_config, run, terminal=False)
    assert read_status(run).state is State.FAILED


def test_a_damaged_status_of_an_earlier_job_is_replaced(run, tiny_config):
    (run / "status.json").write_text("{")
    work_on_run(tiny_config, run, terminal=False)
    assert read_status(run).state is State.DONE


def test_a_target_without_a_stage_is_refused_before_anything_is_made(path):
    config = parse_config({**TINY, "tokenizers": ["kmeans"], "priors": [], "refits": []})
    for target in ("train-vqvae", "train-prior"):
        with pytest.raises(
            ConfigError,
            match=f"{target} has nothing to make where tokenizers are kmeans, refits are none and priors are",
        ):
            work_on_run(config, path, terminal=False, target=target)
    assert not path.exists()


def test_more_images_than_there_are_fail_with_the_setting_to_change(path):
    with pytest.raises(ConfigError) as caught:
        work_on_run(parse_config({**TINY, "data": {"dataset": "mnist-sample", "n_train": 7000}}), path, terminal=False)
    status = read_status(path)
    assert (status.state, status.message) == (State.FAILED, str(caught.value))
    assert "data.n_train does not fit" in status.message
    assert "between 1 and 6000" in status.message


def test_settings_that_failed_before_anything_was_made_may_be_corrected(path):
    wrong = {**TINY, "tokenizers": ["kmeans"], "priors": [], "refits": []}
    with pytest.raises(ConfigError, match=r"data\.n_train does not fit"):
        work_on_run(parse_config({**wrong, "data": {"dataset": "mnist-sample", "n_train": 7000}}), path, terminal=False)
    with pytest.raises(GeovqError, match="device"):
        work_on_run(parse_config({**wrong, "device": "cuda:99"}), path, terminal=False)
    corrected = parse_config(wrong)
    assert work_on_run(corrected, path, terminal=False, target="train-vae") == ["vae"]
    assert load_config(path / "config.yaml") == corrected
    with pytest.raises(ConfigError, match="other settings"):  # they are frozen now
        work_on_run(parse_config({**wrong, "seed": 1}), path, terminal=False)


class TestQueue:
    """Which jobs wait for each other."""

    @pytest.fixture
    def waits_at(self, tmp_path, tiny_config, tiny_run, monkeypatch):
        """Where a job on a run takes its ticket."""
        seen = []

        @contextlib.contextmanager
        def slot(root, run_path, **options):
            seen.append(root)
            yield

        monkeypatch.setattr("geovq.runs.worker.device_slot", slot)

        def waits_at(run_path):
            shutil.copytree(tiny_run, run_path)
            work_on_run(tiny_config, run_path, terminal=False)
            return seen.pop()

        return waits_at

    def test_runs_below_the_outputs_root_wait_there(self, waits_at, root):
        assert waits_at(root / "mnist-sample" / "tiny") == root

    def test_a_run_anywhere_else_waits_with_them(self, waits_at, root, tmp_path):
        assert waits_at(tmp_path / "elsewhere") == root
        assert waits_at(root / "other" / "deeper" / "down") == root

    def test_runs_below_a_root_that_an_app_launches_into_wait_there(self, waits_at, root, tmp_path):
        (tmp_path / "of the app" / QUEUE_FOLDER).mkdir(parents=True)
        assert waits_at(tmp_path / "of the app" / "mnist-sample" / "tiny") == tmp_path / "of the app"
