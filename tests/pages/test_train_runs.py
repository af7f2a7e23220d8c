"""Train, its list of runs: each can be watched, cancelled, resumed and deleted, and only when that makes sense."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from geovq import jobs
from geovq.config import dump_config, load_config, parse_config
from geovq.errors import JobError
from geovq.runs import open_run
from geovq.runs.metrics import append_metrics
from geovq.runs.pipeline import make_run
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.process.status import State, Status, write_status
from tests.pages.conftest import at_work, charts, open_page, text_of


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Runs that the page resumed; none really is."""
    paths: list[Path] = []

    def resume(path: Path, outputs_root: Path) -> SimpleNamespace:
        paths.append(path)
        return SimpleNamespace(run_path=path)

    monkeypatch.setattr(jobs, "resume", resume)
    return paths


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


def test_what_was_made_in_part_can_be_finished(add_run: Callable[..., Path], resumed: list[Path]) -> None:
    path = add_run(keep=lambda stage: not stage.startswith("prior"))
    app = open_page("train")
    (button,) = [button for button in app.button if button.label == "Make the rest"]
    button.click().run()
    assert resumed == [path]


def test_a_job_at_work_shows_its_curves_and_can_be_cancelled(one_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work(one_run, stage="vae", stage_index=1, n_stages=4)
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
def test_what_ended_early_can_be_resumed(state: State, one_run: Path, resumed: list[Path]) -> None:
    write_status(one_run, Status(state, message="It ended.", remedy="Start it again."))
    app = open_page("train")
    (button,) = [button for button in app.button if button.label == "Resume"]
    button.click().run()
    assert not app.exception
    assert resumed == [one_run]


def test_a_run_at_work_cannot_be_deleted(one_run: Path) -> None:
    at_work(one_run)
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
    at_work(one_run)
    app = open_page("train")

    def refuse(path: Path) -> None:
        raise JobError("It has no job to cancel.")

    monkeypatch.setattr(jobs, "cancel", refuse)
    (button,) = [button for button in app.button if button.label == "Cancel"]
    button.click().run()
    assert not app.exception


@pytest.mark.parametrize("rule", ["silhouette", "rate"])
def test_a_run_whose_number_of_codes_was_chosen_is_listed(rule: str, add_run: Callable[..., Path]) -> None:
    """The rows that its tokenizers measure have neither step nor time, unlike those of a training."""
    path = add_run(lambda stage: not stage.startswith(("tokenizer:", "tokens:", "prior:", "samples:", "evaluation:")))
    codebook = {"choose_by": rule, "target_rate_bits": 2.0}
    before = load_config(path / "config.yaml").model_dump()
    config = parse_config({**before, "codebook": {**before["codebook"], **codebook}})
    (path / "config.yaml").write_text(dump_config(config))
    make_run(config, path, RunProgress(path, terminal=False), lambda stage: stage.name == "tokenizer:kmeans")
    (path / "status.json").unlink()
    assert "tokenizer:kmeans" in {row.get("stage") for row in open_run(path).metrics()}
    app = open_page("train")
    assert not app.exception
    assert "mnist-sample/tiny" in text_of(app)
