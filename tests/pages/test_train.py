"""Train: what is asked for is what is started, and nothing is started that the schema refuses."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from geovq import jobs
from geovq.config import ExperimentConfig
from geovq.errors import JobError
from geovq.runs.metrics import append_metrics
from geovq.runs.processes import this_process
from geovq.runs.status import State, Status, write_status
from tests.pages.conftest import charts, open_page, text_of


@pytest.fixture
def launched(no_runs: Path, monkeypatch: pytest.MonkeyPatch) -> list[ExperimentConfig]:
    """Experiments that the page started; none really is."""
    started: list[ExperimentConfig] = []

    def launch(config: ExperimentConfig, outputs_root: Path) -> SimpleNamespace:
        assert outputs_root == no_runs
        started.append(config)
        return SimpleNamespace(run_path=no_runs / config.data.dataset / config.name)

    monkeypatch.setattr(jobs, "launch", launch)
    return started


def test_the_form_starts_what_it_shows(launched: list[ExperimentConfig]) -> None:
    app = open_page("train")
    app.number_input(key="train_demo_vae.beta").set_value(0.5).run()
    app.number_input(key="train_demo_codebook.n_codes").set_value(32).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    (config,) = launched
    assert (config.vae.beta, config.codebook.n_codes) == (0.5, 32)


def test_changes_and_the_command_say_what_differs_from_the_preset(launched: list[ExperimentConfig]) -> None:
    app = open_page("train")
    assert "Nothing: the preset runs as it is" in text_of(app)
    app.number_input(key="train_demo_vae.beta").set_value(0.5).run()
    table = app.dataframe[0].value
    assert table.to_dict("records") == [{"setting": "vae.beta", "preset": "0.1", "this run": "0.5"}]
    assert "--set vae.beta=0.5" in app.code[0].value


def test_values_that_do_not_fit_together_are_a_box_and_cannot_be_started(launched: list[ExperimentConfig]) -> None:
    app = open_page("train")
    app.number_input(key="train_demo_codebook.n_codes").set_value(5_000).run()
    assert not app.exception
    assert "Codes K (n_codes) must be at most Landmarks (n_landmarks)" in app.error[0].value.replace("\\", "")
    assert [button.disabled for button in app.button if button.label == "Start"] == [True]


def test_a_prior_needs_its_tokenizer(launched: list[ExperimentConfig]) -> None:
    app = open_page("train")
    app.multiselect(key="train_demo_tokenizers").set_value(["kmeans"]).run()
    assert app.multiselect(key="train_demo_priors").options == ["kmeans"]
    assert not app.exception


def test_another_preset_brings_its_own_values(launched: list[ExperimentConfig]) -> None:
    app = open_page("train")
    preset = app.selectbox(key="train_preset")
    preset.select_index(preset.options.index("mnist")).run()
    assert app.number_input(key="train_mnist_codebook.n_codes").value == 256


def test_a_refused_start_says_why(no_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: ExperimentConfig, outputs_root: Path) -> None:
        raise JobError("A job works on this run already; wait for it.")

    monkeypatch.setattr(jobs, "launch", refuse)
    app = open_page("train")
    app.button(key="train_start").click().run()
    assert "wait for it" in app.error[0].value


def test_a_job_at_work_shows_its_curves_and_can_be_cancelled(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, started = this_process()
    status = Status(State.RUNNING, pid=pid, pid_started=started, started_at=1.0, stage="vae", stage_index=1, n_stages=4)
    write_status(one_run, status)
    (one_run / "metrics.jsonl").unlink(missing_ok=True)
    for step in (1, 2, 3):
        append_metrics(one_run, {"stage": "vae", "split": "train", "step": step, "elapsed_s": float(step),
                                 "examples_per_s": 100.0, "bce_nats": 200.0 - step, "loss": 210.0 - step})  # fmt: skip
    cancelled: list[Path] = []
    monkeypatch.setattr(jobs, "cancel", cancelled.append)
    app = open_page("train")
    assert not app.exception
    assert len(charts(app)) == 2
    (button,) = [button for button in app.button if button.label == "Cancel"]
    button.click().run()
    assert cancelled == [one_run]


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED, State.LOST])
def test_what_ended_early_can_be_resumed(state: State, one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_status(one_run, Status(state, message="It ended.", remedy="Start it again."))
    resumed: list[Path] = []
    monkeypatch.setattr(jobs, "resume", lambda path, root: resumed.append(path) or SimpleNamespace(run_path=path))
    app = open_page("train")
    (button,) = [button for button in app.button if button.label == "Resume"]
    button.click().run()
    assert not app.exception
    assert resumed == [one_run]


def test_a_run_at_work_cannot_be_deleted(one_run: Path) -> None:
    pid, started = this_process()
    write_status(one_run, Status(State.RUNNING, pid=pid, pid_started=started, started_at=1.0))
    app = open_page("train")
    assert [button.disabled for button in app.button if button.label == "Delete"] == [True]


def test_deleting_asks_first(one_run: Path) -> None:
    app = open_page("train")
    (button,) = [button for button in app.button if button.label == "Delete"]
    app = button.click().run()
    assert one_run.exists()
    app.button(key="delete_confirmed").click().run()
    assert not one_run.exists()
    assert not app.exception
