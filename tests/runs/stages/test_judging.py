"""Judging samples: images like the held-out ones, and the same real images for the same seed."""

import numpy as np
import pytest
import torch

from geovq.data import ImageSet, load_images
from geovq.models import ImageClassifier, initialised
from geovq.runs.stages.judging import judge, real_images
from tests.shapes import IMAGE_SHAPE


@pytest.fixture
def classifier() -> ImageClassifier:
    return initialised(lambda: ImageClassifier(10, IMAGE_SHAPE, width=3), 0, "test").eval()


def test_held_out_features_are_at_distance_zero_of_themselves(classifier: ImageClassifier) -> None:
    features = torch.rand(50, classifier.n_features, generator=torch.Generator().manual_seed(0))
    assert judge(classifier, features, features).frechet_distance == pytest.approx(0, abs=1e-5)


def test_a_step_of_all_features_is_its_squared_length_away(classifier: ImageClassifier) -> None:
    features = torch.rand(50, classifier.n_features, generator=torch.Generator().manual_seed(0))
    step = torch.arange(classifier.n_features, dtype=torch.float32)
    assert judge(classifier, features + step, features).frechet_distance == pytest.approx(
        float(step.square().sum()), rel=1e-4
    )


@pytest.fixture
def train() -> ImageSet:
    return load_images("mnist-sample", "train")


@torch.no_grad()
def test_classes_are_those_of_the_whole_classifier(classifier: ImageClassifier) -> None:
    images = torch.rand(20, *IMAGE_SHAPE, generator=torch.Generator().manual_seed(0))
    features = classifier.features(images)
    found = judge(classifier, features, features)
    torch.testing.assert_close(found.classes, classifier(images).argmax(dim=1))
    np.testing.assert_array_equal(found.coverage.counts, np.bincount(found.classes.numpy(), minlength=10))


def test_real_images_are_the_same_for_the_same_seed_and_all_different(train: ImageSet) -> None:
    drawn = real_images(train, 30, seed=4)
    torch.testing.assert_close(real_images(train, 30, seed=4), drawn)
    assert not torch.equal(real_images(train, 30, seed=5), drawn)
    assert len(torch.unique(drawn, dim=0)) == 30
