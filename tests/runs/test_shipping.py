"""Shipping: the copy is smaller, whole, measured on itself, and next to nothing is lost."""

import shutil

import pytest
import torch

from geovq.cli import main
from geovq.errors import ArtifactError
from geovq.runs import open_run, shipping
from geovq.runs.remeasuring import largest_difference, remeasure
from geovq.runs.shipping import folder_bytes, ship


@pytest.fixture(scope="module")
def pair(tiny_run, tmp_path_factory):
    run = open_run(tiny_run)
    return run, ship(run, tmp_path_factory.mktemp("shipped") / "tiny")


def test_the_copy_is_whole_and_smaller(pair):
    run, copy = pair
    copy.verify()
    assert list(copy.manifest.stages) == [name for name in run.manifest.stages if name in copy.manifest.stages]
    assert set(copy.manifest.stages) == set(run.manifest.stages)
    assert folder_bytes(copy.path) < 0.8 * folder_bytes(run.path)


def test_its_weights_are_those_of_the_run_to_half_precision(pair):
    run, copy = pair
    for name, tensor in run.models["vae"].state_dict().items():
        assert torch.equal(copy.models["vae"].state_dict()[name], tensor.half().float())


def test_what_it_says_of_itself_is_measured_on_itself(pair):
    run, copy = pair
    assert largest_difference(copy, remeasure(copy)) == 0
    for name, measured in run.measurements.items():
        assert copy.measurements[name]["mse"] == pytest.approx(measured["mse"], rel=0.02)


def test_training_tokens_stay_behind_and_whoever_asks_is_told(pair):
    _, copy = pair
    assert len(copy.tokens("riemannian", "test")) == copy.config.evaluation.n_images
    with pytest.raises(ArtifactError, match="tokens of the test images only, as shipped runs have; encode the train"):
        copy.tokens("riemannian", "train")


def test_a_run_that_is_not_finished_is_not_shipped(tiny_run, tmp_path, capsys):
    path = tmp_path / "run"
    path.mkdir()
    shutil.copyfile(tiny_run / "config.yaml", path / "config.yaml")
    assert main(["ship", str(path), "--out", str(tmp_path / "copy")]) == 2
    assert "is not finished (vae is missing)" in capsys.readouterr().err


def test_nothing_is_overwritten(tiny_run):
    with pytest.raises(ArtifactError, match="is not empty"):
        ship(open_run(tiny_run), tiny_run)


def test_a_folder_that_cannot_be_made_is_one_sentence(tiny_run, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "copy"):
        with pytest.raises(ArtifactError, match=r"cannot be written .*choose another folder"):
            ship(open_run(tiny_run), folder)
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), RuntimeError("anything")])
def test_a_copy_that_fails_in_the_middle_leaves_nothing(tiny_run, tmp_path, monkeypatch, fault):
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(shipping, "write_manifest", fail)  # all that comes before it is written by then
    with pytest.raises(ArtifactError if isinstance(fault, OSError) else RuntimeError):
        ship(open_run(tiny_run), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_and_a_link_to_one_are_taken(pair, tmp_path):
    run, copy = pair
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    again = ship(run, tmp_path / "link")
    again.verify()
    assert (tmp_path / "link").is_symlink()
    assert again.fingerprint == copy.fingerprint
