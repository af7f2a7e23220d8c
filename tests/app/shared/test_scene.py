import inspect

import numpy as np
import pytest
import torch

from geovq.app.shared import fetching
from geovq.app.shared.scene import Scene, landmark_codes, scene_of
from geovq.data import load_images
from geovq.errors import DataError
from geovq.runs import Run, experiment_images
from geovq.tokenization.landmark import LandmarkTokenizer


def test_places_lead_back_to_the_landmarks(scene: Scene) -> None:
    sample = scene.geometry.sample
    image, row, column = torch.from_numpy(scene.places).T
    torch.testing.assert_close(sample.lattices[image, :, row, column], sample.landmark_latents)


def test_classes_are_those_of_the_images_that_encode_to_the_sampled_lattices(run: Run, scene: Scene) -> None:
    images = experiment_images(run.config, "train")
    with torch.no_grad():
        encoded = run.autoencoder("vae").encode(images.batch(torch.arange(len(images)))).flatten(start_dim=1)
    sampled = scene.geometry.sample.lattices[scene.places[:, 0]].flatten(start_dim=1)
    source = torch.cdist(sampled, encoded).argmin(dim=1)
    assert scene.classes is not None
    np.testing.assert_array_equal(scene.classes, images.labels[source])


def test_without_the_images_there_are_no_classes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(run: Run) -> None:
        raise DataError("not here")

    monkeypatch.setattr(fetching, "training_images", missing)
    assert inspect.unwrap(scene_of)(run).classes is None


def test_other_images_than_those_of_the_sample_lend_it_no_classes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "training_images", lambda run: load_images("fashion_mnist-sample", "train"))
    assert inspect.unwrap(scene_of)(run).classes is None


def test_codes_of_landmarks_are_their_tokens(run: Run, scene: Scene) -> None:
    """A medoid is a landmark, and its own code."""
    codes = landmark_codes(run, "riemannian")
    tokenizer = run.tokenizers["riemannian"]
    assert isinstance(tokenizer, LandmarkTokenizer)
    medoids = tokenizer.medoid_indices.numpy()
    np.testing.assert_array_equal(codes[medoids], np.arange(len(medoids)))
