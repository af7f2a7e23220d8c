"""The classifiers that judge samples: those that ship are good and small, and making one can be interrupted."""

import os

import pytest
import torch

from geovq.config import TrainingConfig
from geovq.errors import ArtifactError, Cancelled
from geovq.models import load_model
from geovq.progress import SilentProgress
from geovq.runs.stages import classifiers
from geovq.runs.stages.classifiers import (
    accuracy,
    classifier_digest,
    classifier_file,
    load_classifier,
    train_classifier,
)

DATASETS = ("mnist", "fashion_mnist")


@pytest.fixture
def hasty(monkeypatch):
    """A classifier that is trained in less than a second."""
    monkeypatch.setattr(classifiers, "WIDTH", 4)
    monkeypatch.setattr(classifiers, "TRAINING", TrainingConfig(epochs=1, batch_size=64, learning_rate=0.01))


@pytest.mark.parametrize(("dataset", "least"), [("mnist", 0.985), ("fashion_mnist", 0.89)])
def test_what_ships_recognises_the_embedded_test_images_and_is_small(dataset, least):
    assert accuracy(load_classifier(dataset), f"{dataset}-sample") >= least  # 1,000 images: 0.005 and 0.02 of slack
    assert classifier_file(dataset).stat().st_size <= 1_000_000


@pytest.mark.full_data
@pytest.mark.skipif(not os.environ.get("GEOVQ_DATA"), reason="GEOVQ_DATA is unset")
@pytest.mark.parametrize(("dataset", "least"), [("mnist", 0.99), ("fashion_mnist", 0.91)])
def test_what_ships_recognises_the_official_test_images(dataset, least):
    assert accuracy(load_classifier(dataset), dataset) >= least


@pytest.mark.parametrize("dataset", DATASETS)
def test_an_embedded_sample_shares_the_classifier_of_its_set(dataset):
    assert classifier_file(f"{dataset}-sample") == classifier_file(dataset)
    assert classifier_digest(f"{dataset}-sample") == classifier_digest(dataset)


def test_a_data_set_without_a_classifier_has_no_digest_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(classifiers, "CLASSIFIER_FOLDER", tmp_path)
    assert classifier_digest("mnist") is None
    with pytest.raises(
        ArtifactError, match=r"/mnist\.safetensors does not exist; `python -m geovq train-classifier mnist`"
    ):
        load_classifier("mnist-sample")


def test_a_classifier_is_trained_written_and_measured(hasty, tmp_path):
    path = tmp_path / "new" / "x.safetensors"
    measured = train_classifier("mnist-sample", path, device="cpu")
    assert measured == accuracy(load_model(path), "mnist-sample")
    assert measured > 0.2  # chance is 0.1
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


@pytest.mark.slow
def test_training_that_was_cancelled_goes_on_to_the_same_bytes(hasty, tmp_path):
    class StopAtTenth(SilentProgress):
        n_asked = 0

        def stop_requested(self):
            self.n_asked += 1
            return self.n_asked == 10

    train_classifier("mnist-sample", tmp_path / "whole", device="cpu")
    with pytest.raises(Cancelled, match="cancelled after 9 steps, which are saved"):
        train_classifier("mnist-sample", tmp_path / "part", device="cpu", progress=StopAtTenth())
    assert not (tmp_path / "part").exists()
    train_classifier("mnist-sample", tmp_path / "part", device="cpu")
    assert (tmp_path / "part").read_bytes() == (tmp_path / "whole").read_bytes()


@torch.no_grad()
def test_the_classifier_is_in_eval_mode():
    assert not load_classifier("mnist").training
