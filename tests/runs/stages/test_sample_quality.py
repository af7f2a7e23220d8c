"""Measurements of samples: real images in their place show what each number means."""

import numpy as np
import pytest
import torch

from geovq.evaluation import class_coverage, frechet_distance, nearest_images
from geovq.models import ImageClassifier, initialised, save_model
from geovq.progress import SilentProgress
from geovq.runs.stages import classifiers
from geovq.runs.stages.sample_quality import measure_samples
from geovq.runs.stages.workspace import Workspace
from tests.shapes import IMAGE_SHAPE


@pytest.fixture
def classifier(tmp_path, monkeypatch):
    """A classifier of the data set that has not learned anything."""
    monkeypatch.setattr(classifiers, "CLASSIFIER_FOLDER", tmp_path / "classifiers")
    model = initialised(lambda: ImageClassifier(10, IMAGE_SHAPE, width=3), 0, "test").eval()
    save_model(tmp_path / "classifiers" / "mnist.safetensors", model)
    return model


@pytest.fixture
def work(tiny_run, tiny_config):
    return Workspace(tiny_run, tiny_config, torch.device("cpu"), SilentProgress())


class Shows:
    """Decodes whatever it is given to these images."""

    def __init__(self, images):
        self.images = images.batch(torch.arange(len(images)))

    def decode(self, lattices):
        return self.images[: len(lattices)]


def test_training_images_are_copies_and_test_images_are_not(work, classifier):
    decoders = {"copied_": Shows(work.images("train")), "unseen_": Shows(work.images("test"))}
    measured = measure_samples(work, "riemannian", decoders)
    assert measured["copied_samples_nearest_distance_mean"] == measured["copied_samples_nearest_distance_min"] == 0.0
    assert measured["unseen_samples_nearest_distance_mean"] == measured["samples_real_nearest_distance_mean"] > 1.0


@torch.no_grad()
def test_the_numbers_are_those_of_the_evaluation_on_features_and_pixels(work, classifier):
    model = work.autoencoder("riemannian")
    measured = measure_samples(work, "riemannian", {"": model})
    test = work.images("test").batch(torch.arange(100))
    train = work.images("train").batch(torch.arange(400))
    with np.load(work.path / "samples" / "riemannian.npz") as arrays:
        drawn = torch.from_numpy(arrays["images"])[:, None].float() / 255  # rounded to whole grey values
    features = classifier.features(drawn)
    assert measured["samples_count"] == len(drawn) == 9
    expected = {
        "samples_frechet_distance": frechet_distance(features, classifier.features(test)),
        "samples_nearest_distance_mean": nearest_images(drawn, [train]).summary()["nearest_distance_mean"],
    }
    assert {key: measured[key] for key in expected} == pytest.approx(expected, rel=0.02)  # of that rounding
    coverage = class_coverage(classifier.head(features).argmax(dim=1), 10).summary()
    assert {key: measured[f"samples_{key}"] for key in coverage} == coverage


def test_without_a_classifier_there_is_nothing(work, tmp_path, monkeypatch):
    monkeypatch.setattr(classifiers, "CLASSIFIER_FOLDER", tmp_path)
    assert measure_samples(work, "riemannian", {"": work.autoencoder("riemannian")}) == {}


def test_measuring_twice_gives_the_same_numbers(work, classifier):
    decoders = {"": work.autoencoder("riemannian")}
    assert measure_samples(work, "riemannian", decoders) == measure_samples(work, "riemannian", decoders)
