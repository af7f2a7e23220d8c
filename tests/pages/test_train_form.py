"""Train, its form: what is asked for is what is started, and nothing is started that the schema refuses."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from geovq import jobs
from geovq.app.train.form import OTHERS
from geovq.app.train.widgets import leaf_settings
from geovq.config import ExperimentConfig, load_config, setting_changes
from geovq.errors import JobError
from tests.pages.conftest import at_work, open_page, text_of


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
    for app in (first, second):
        app.button(key="duplicate_mnist-sample/tiny").click().run()
        (name,) = (widget for widget in app.text_input if widget.label == "Run name")
        name.set_value("tiny").run()
    at_work(one_run)  # the first has started
    second.button(key="train_start").click().run()
    assert not second.exception
    assert "cancel it first" in second.error[0].value.replace("\\", "")


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
