"""Train: what is asked for is what is started, and nothing is started that the schema refuses."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from geovq import jobs
from geovq.app.forms import leaf_settings
from geovq.app.train_form import OTHERS
from geovq.config import ExperimentConfig, load_config, setting_changes
from geovq.errors import JobError
from geovq.runs.metrics import append_metrics
from geovq.runs.processes import this_process
from geovq.runs.status import State, Status, write_status
from tests.pages.conftest import charts, open_page, text_of


class Launched(NamedTuple):
    config: ExperimentConfig
    target: str
    reuse: Path | None


@pytest.fixture
def launched(no_runs: Path, monkeypatch: pytest.MonkeyPatch) -> list[Launched]:
    """Experiments that the page started; none really is."""
    started: list[Launched] = []

    def launch(config: ExperimentConfig, outputs_root: Path, *, target: str, reuse: Path | None) -> SimpleNamespace:
        assert outputs_root == no_runs
        started.append(Launched(config, target, reuse))
        return SimpleNamespace(run_path=no_runs / config.data.dataset / config.name)

    monkeypatch.setattr(jobs, "launch", launch)
    return started


def test_the_form_starts_what_it_shows(launched: list[Launched]) -> None:
    app = open_page("train")
    app.number_input(key="train_demo_vae.beta").set_value(0.5).run()
    app.number_input(key="train_demo_codebook.n_codes").set_value(32).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    ((config, target, reuse),) = launched
    assert (config.vae.beta, config.codebook.n_codes) == (0.5, 32)
    assert (target, reuse) == ("run", None)


def test_every_setting_of_the_schema_can_be_changed(no_runs: Path) -> None:
    app = open_page("train")
    app.session_state[OTHERS] = True
    app.run()
    widgets = [*app.number_input, *app.selectbox, *app.multiselect, *app.text_input]
    asked = {str(widget.key).removeprefix("train_demo_") for widget in widgets}
    assert {leaf for leaf in leaf_settings(ExperimentConfig) if leaf not in asked} == {"name"}  # its key has more in it
    assert all(widget.help for widget in widgets if str(widget.key).startswith("train_demo_"))


def test_what_is_set_in_any_section_is_started(launched: list[Launched]) -> None:
    app = open_page("train")
    app.multiselect(key="train_demo_refits").set_value(["riemannian"]).run()
    app.session_state[OTHERS] = True
    app.run()
    app.number_input(key="train_demo_vqvae.commitment").set_value(0.5).run()
    app.session_state[OTHERS] = False  # what is not in view any more counts all the same
    app.run()
    app.selectbox(key="train_demo_device").set_value("cpu").run()
    app.selectbox(key="train_target").set_value("discretize").run()
    app.button(key="train_start").click().run()
    assert not app.exception
    ((config, target, _),) = launched
    assert (config.refits, config.vqvae.commitment, config.device) == (("riemannian",), 0.5, "cpu")
    assert target == "discretize"


def test_without_any_run_there_is_no_estimate(no_runs: Path) -> None:
    assert "No estimate yet" in text_of(open_page("train"))


def test_the_estimate_names_the_run_it_comes_from(one_run: Path) -> None:
    app = open_page("train")
    app.selectbox(key="train_preset").set_value("run mnist-sample/tiny").run()
    assert not app.exception
    assert "Takes about" in text_of(app)
    assert "Scaled from mnist-sample/tiny" in text_of(app)


def test_a_run_is_duplicated_under_a_name_of_its_own(one_run: Path, launched: list[Launched]) -> None:
    app = open_page("train")
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    assert not app.exception
    assert app.query_params["start_from"] == "run mnist-sample/tiny"
    app.button(key="train_start").click().run()
    ((config, target, reuse),) = launched
    original = load_config(one_run / "config.yaml")
    assert setting_changes(original, config) == [("name", "tiny", "tiny-2")]
    assert (target, reuse) == ("run", None)


def test_duplicating_again_forgets_what_was_typed(one_run: Path) -> None:
    app = open_page("train")
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    (seed,) = (widget for widget in app.number_input if widget.label == "Seed")
    seed.set_value(7).run()
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    (seed,) = (widget for widget in app.number_input if widget.label == "Seed")
    assert seed.value == 0


def test_new_tokenizers_keep_the_vae_and_do_not_ask_about_it(one_run: Path, launched: list[Launched]) -> None:
    app = open_page("train")
    app.button(key="keep_mnist-sample/tiny").click().run()
    labels = {widget.label for widget in [*app.number_input, *app.selectbox]}
    assert "Codes K" in labels
    assert not labels & {"Seed", "Data set", "β", "VAE epochs"}
    assert "Nothing is left to do" in text_of(app)
    (codes,) = (widget for widget in app.number_input if widget.label == "Codes K")
    codes.set_value(5).run()
    assert re.search(r"3 of \d+ stages are kept from mnist-sample/tiny", text_of(app))
    assert f"--reuse {one_run}" in app.code[0].value
    app.button(key="train_start").click().run()
    assert not app.exception
    ((config, _, reuse),) = launched
    assert (config.codebook.n_codes, reuse) == (5, one_run)


def test_a_run_without_a_vae_offers_no_new_tokenizers(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: False)
    app = open_page("train")
    assert "New tokenizers" not in [button.label for button in app.button]
    assert "stages are missing" in text_of(app)
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    assert not app.exception
    assert not app.toggle


def test_a_damaged_run_cannot_be_duplicated_and_says_why(one_run: Path) -> None:
    (one_run / "config.yaml").write_text("data: [")
    app = open_page("train")
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    assert not app.exception
    assert "config.yaml is not valid YAML" in text_of(app)
    assert "Start from another run, or from a preset" in text_of(app)
    app.selectbox(key="train_preset").set_value("demo").run()
    assert "not valid YAML" not in text_of(app)
    assert not app.button(key="train_start").disabled


def test_a_link_to_settings_opens_them_and_a_bad_one_says_so(one_run: Path) -> None:
    app = open_page("train")
    app.query_params["start_from"] = "run mnist-sample/tiny"
    app.run()
    assert app.selectbox(key="train_preset").value == "run mnist-sample/tiny"
    app.query_params["start_from"] = "run mnist/never"
    app.run()
    assert not app.exception
    assert any("not here" in warning.value for warning in app.warning)


def test_the_same_job_from_a_second_tab_is_refused(one_run: Path) -> None:
    first, second = open_page("train"), open_page("train")
    pid, started = this_process()
    for app in (first, second):
        app.button(key="duplicate_mnist-sample/tiny").click().run()
        (name,) = (widget for widget in app.text_input if widget.label == "Run name")
        name.set_value("tiny").run()
    write_status(one_run, Status(State.RUNNING, pid=pid, pid_started=started, started_at=1.0))  # the first has started
    second.button(key="train_start").click().run()
    assert not second.exception
    assert "cancel it first" in second.error[0].value.replace("\\", "")


def test_a_run_that_is_deleted_while_it_is_followed_says_so_once(one_run: Path) -> None:
    app = open_page("train")
    app.button(key="curves_mnist-sample/tiny").click().run()
    assert "Curves of an earlier run" in text_of(app)
    shutil.rmtree(one_run)
    app.run()
    assert not app.exception
    assert "mnist-sample/tiny is not here any more" in text_of(app)
    app.run()
    assert "not here any more" not in text_of(app)


def test_curves_of_an_earlier_run_show_losses_channels_and_pictures(one_run: Path) -> None:
    app = open_page("train")
    app.button(key="curves_mnist-sample/tiny").click().run()
    assert not app.exception
    assert "of 4 channels" in text_of(app)
    assert "After epoch 2 the decoded images are off by" in text_of(app)
    (slider,) = app.select_slider
    slider.set_value(1).run()
    assert not app.exception
    assert "After epoch 1 the decoded images are off by" in text_of(app)


def test_a_damaged_picture_is_a_box_and_the_page_goes_on(one_run: Path) -> None:
    (one_run / "snapshots" / "vae-00002.safetensors").write_bytes(b"nothing")
    app = open_page("train")
    app.button(key="curves_mnist-sample/tiny").click().run()
    assert not app.exception
    assert "vae-00002.safetensors" in app.error[0].value.replace("\\", "")
    assert not app.button(key="train_start").disabled


def test_what_was_made_in_part_can_be_finished(add_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = add_run(keep=lambda stage: not stage.startswith("prior"))
    resumed: list[Path] = []
    monkeypatch.setattr(jobs, "resume", lambda path, root: resumed.append(path) or SimpleNamespace(run_path=path))
    app = open_page("train")
    (button,) = [button for button in app.button if button.label == "Make the rest"]
    button.click().run()
    assert resumed == [path]


def test_changes_and_the_command_say_what_differs_from_the_preset(launched: list[Launched]) -> None:
    app = open_page("train")
    assert "Nothing: the preset runs as it is" in text_of(app)
    app.number_input(key="train_demo_vae.beta").set_value(0.5).run()
    table = app.dataframe[0].value
    assert table.to_dict("records") == [{"setting": "vae.beta", "preset": "0.1", "this run": "0.5"}]
    assert "--set vae.beta=0.5" in app.code[0].value


def test_values_that_do_not_fit_together_are_a_box_and_cannot_be_started(launched: list[Launched]) -> None:
    app = open_page("train")
    app.number_input(key="train_demo_codebook.n_codes").set_value(5_000).run()
    assert not app.exception
    assert "Codes K (n_codes) must be at most Landmarks (n_landmarks)" in app.error[0].value.replace("\\", "")
    assert [button.disabled for button in app.button if button.label == "Start"] == [True]


def test_a_prior_needs_its_tokenizer(launched: list[Launched]) -> None:
    app = open_page("train")
    app.multiselect(key="train_demo_tokenizers").set_value(["kmeans"]).run()
    assert app.multiselect(key="train_demo_priors").options == ["kmeans"]
    assert not app.exception


def test_another_preset_brings_its_own_values(launched: list[Launched]) -> None:
    app = open_page("train")
    preset = app.selectbox(key="train_preset")
    preset.select_index(preset.options.index("mnist")).run()
    assert app.number_input(key="train_mnist_codebook.n_codes").value == 256


def test_a_refused_start_says_why(no_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: ExperimentConfig, outputs_root: Path, **options: object) -> None:
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
    assert len(charts(app)) == 3  # losses, throughput, and the pictures of the last epoch
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


def test_a_job_that_ends_while_it_is_cancelled_is_no_error(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, started = this_process()
    write_status(one_run, Status(State.RUNNING, pid=pid, pid_started=started, started_at=1.0))
    app = open_page("train")

    def refuse(path: Path) -> None:
        raise JobError("It has no job to cancel.")

    monkeypatch.setattr(jobs, "cancel", refuse)
    (button,) = [button for button in app.button if button.label == "Cancel"]
    button.click().run()
    assert not app.exception


def test_settings_for_a_device_that_is_not_here_are_warned_about(one_run: Path) -> None:
    config = one_run / "config.yaml"
    config.write_text(config.read_text().replace("device: cpu", "device: cuda:7"))
    app = open_page("train")
    app.button(key="duplicate_mnist-sample/tiny").click().run()
    assert not app.exception
    assert any("This machine has no cuda\\:7" in warning.value for warning in app.warning)
    (picker,) = (widget for widget in app.selectbox if widget.label == "Device")
    picker.set_value("cpu").run()
    assert not app.warning
