"""Pages without a run, with half of one, with a damaged one: a clear state with one way forward, never a traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages.conftest import at_work, open_page, text_of

INSIDE = ["lattice", "geometry", "neighbourhoods", "codebook", "tokens", "prior", "compare"]


@pytest.mark.parametrize("page", ["home", *INSIDE])
def test_without_any_run_the_page_leads_to_train(page: str, no_runs: Path) -> None:
    app = open_page(page)
    assert not app.exception
    assert "There is no run yet" in text_of(app)
    assert [link.proto.label for link in app.get("page_link")] == ["Train the demo"]


def test_without_any_run_one_can_be_started(no_runs: Path) -> None:
    app = open_page("train")
    assert not app.exception
    assert not app.button(key="train_start").disabled


@pytest.mark.parametrize("page", ["home", "train", *INSIDE])
def test_a_run_that_has_only_been_queued_is_no_error(page: str, add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: False)
    app = open_page(page)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("lattice", "No tokenizer yet"),
        ("codebook", "no tokenizer yet"),
        ("tokens", "no tokenizer yet"),
        ("prior", "no prior yet"),
        ("compare", "no tokenizer yet"),
    ],
)
def test_a_run_with_an_autoencoder_alone_says_what_is_missing(
    page: str, words: str, add_run: Callable[..., Path]
) -> None:
    add_run(keep=lambda stage: stage in ("vae", "evaluation:vae"))
    app = open_page(page)
    assert not app.exception
    assert words in text_of(app)


def test_a_run_that_is_not_measured_yet_shows_its_pictures(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: not stage.startswith("evaluation"))
    app = open_page("compare")
    assert not app.exception
    assert "not measured yet" in text_of(app)
    assert app.get("plotly_chart")


def test_a_running_job_is_announced_on_every_page(one_run: Path) -> None:
    at_work(one_run, stage="vae", stage_index=2, n_stages=8, phase="vae", step=5, total=10, unit="steps",
            rate_per_s=2.0, eta_s=2.5)  # fmt: skip
    app = open_page("tokens")
    assert not app.exception
    assert "still being made" in text_of(app)
    assert "Stage 2 of 8: VAE · 5 of 10 steps · 2 steps per second · 2 s left" in text_of(app)


def test_a_link_to_an_unknown_run_says_so_and_leads_to_one_that_exists(one_run: Path) -> None:
    app = open_page("home", run="mnist/never_made")
    assert not app.exception
    assert "This run does not exist" in text_of(app)
    (button,) = [button for button in app.button if button.label.startswith("Show ")]
    app = button.click().run()
    assert "This run does not exist" not in text_of(app)
    assert not app.exception


def test_a_link_opens_the_run_that_it_names(one_run: Path) -> None:
    other = one_run.with_name("other")
    shutil.copytree(one_run, other)
    text = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(text.replace(f"name: {one_run.name}", "name: other"))
    app = open_page("tokens", run=f"{one_run.parent.name}/other")
    assert app.session_state["run"] == f"{one_run.parent.name}/other"
    assert app.query_params["run"] == f"{one_run.parent.name}/other"


def test_a_run_that_is_deleted_while_it_is_open_says_so(one_run: Path) -> None:
    app = open_page("tokens")
    shutil.rmtree(one_run)
    app.run()
    assert not app.exception
    assert "This run does not exist" in text_of(app)


@pytest.mark.parametrize("page", ["lattice", "neighbourhoods", "codebook", "tokens"])
def test_a_run_that_was_deleted_is_named_with_a_way_on(page: str, one_run: Path) -> None:
    app = open_page(page)
    shutil.rmtree(one_run)
    app.run()
    assert not app.exception
    assert "no run yet" in text_of(app) or "does not exist" in text_of(app)


def test_a_damaged_file_is_named_with_the_remedy(one_run: Path) -> None:
    (one_run / "tokenizers" / "riemannian.safetensors").write_bytes(b"nothing of use")
    app = open_page("codebook")
    assert not app.exception
    (box,) = app.error
    assert "riemannian.safetensors" in box.value
    assert "geovq run" in box.value


def test_a_run_whose_settings_cannot_be_read_says_where(one_run: Path) -> None:
    (one_run / "config.yaml").write_text("data: [")
    app = open_page("compare")
    assert not app.exception
    assert "config.yaml" in app.error[0].value
