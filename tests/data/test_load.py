import dataclasses
import os

import numpy as np
import pytest
import torch

from geovq.catalogue.datasets import DATASETS
from geovq.data import at_hand, load_images
from geovq.data import load as load_module
from geovq.errors import DataError, InvalidValueError


@pytest.mark.parametrize("dataset", ["mnist-sample", "fashion_mnist-sample"])
def test_a_sample_carries_its_name_split_and_classes(dataset):
    images = load_images(dataset, "test")
    assert (images.name, images.split, len(images)) == (dataset, "test", 1000)
    assert len(images.class_names) == 10


def test_the_full_sets_are_read_from_the_folder_of_the_environment(tiny_release, monkeypatch):
    folder, dataset, arrays = tiny_release
    monkeypatch.setenv("GEOVQ_DATA", str(folder))
    monkeypatch.setitem(DATASETS, "mnist", dataset)
    images = load_images("mnist", "test")
    assert (images.name, images.split) == ("mnist", "test")
    np.testing.assert_array_equal(images.images.numpy()[:, 0], arrays["test"][0])


def test_a_data_set_of_a_known_format_needs_nothing_but_a_description(tiny_release, monkeypatch):
    folder, dataset, _ = tiny_release
    monkeypatch.setenv("GEOVQ_DATA", str(folder))
    monkeypatch.setitem(
        DATASETS, "kmnist", dataclasses.replace(dataset, name="kmnist", class_names=tuple("おきすつなはまやれを"))
    )
    images = load_images("kmnist", "train", n_images=20)
    assert (images.name, images.class_names[1], len(images)) == ("kmnist", "き", 20)
    monkeypatch.setenv("GEOVQ_DATA", str(folder / "nothing"))
    assert at_hand("kmnist") == "kmnist"  # no sample of it ships


def test_at_hand_is_what_needs_no_download(tiny_release, tmp_path, monkeypatch):
    folder, dataset, _ = tiny_release
    monkeypatch.setitem(DATASETS, "mnist", dataset)
    monkeypatch.setenv("GEOVQ_DATA", str(folder))
    assert at_hand("mnist") == "mnist"
    monkeypatch.setenv("GEOVQ_DATA", str(tmp_path / "nothing"))
    assert (at_hand("mnist"), at_hand("fashion_mnist-sample")) == ("mnist-sample", "fashion_mnist-sample")


@pytest.mark.parametrize("n_images", [1, 100, 123])
def test_a_subset_has_the_size_asked_and_every_class_its_share(n_images):
    images = load_images("mnist-sample", "test", n_images=n_images, seed=5)
    assert len(images) == n_images
    counts = torch.bincount(images.labels, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_a_subset_is_part_of_the_split_and_the_seed_decides_which():
    whole = load_images("mnist-sample", "test")
    first, again, other = (load_images("mnist-sample", "test", n_images=50, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)
    known = {image.tobytes() for image in whole.images.numpy()}
    assert all(image.tobytes() in known for image in first.images.numpy())


def test_asking_for_all_images_gives_the_split_itself():
    whole, all_drawn = load_images("mnist-sample", "test"), load_images("mnist-sample", "test", n_images=1000)
    assert torch.equal(whole.images, all_drawn.images)
    assert torch.equal(whole.labels, all_drawn.labels)


@pytest.mark.parametrize("n_images", [0, -1, 1001, 2.5, True])
def test_a_size_that_cannot_be_had_is_refused(n_images):
    with pytest.raises(InvalidValueError, match=f"between 1 and 1000, the test images of mnist-sample; got {n_images}"):
        load_images("mnist-sample", "test", n_images=n_images)


def test_an_unknown_data_set_is_refused_with_the_known_ones():
    with pytest.raises(InvalidValueError, match=r"one of mnist, fashion_mnist, mnist-sample, .*; got 'cifar'"):
        load_images("cifar", "test")


def test_an_unknown_split_is_refused():
    with pytest.raises(InvalidValueError, match="split must be one of train, test; got 'validation'"):
        load_images("mnist-sample", "validation")


def test_labels_of_no_class_are_refused(monkeypatch):
    damaged = (torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 10, 1]))
    monkeypatch.setattr(load_module, "load_sample", lambda *_: damaged)
    with pytest.raises(DataError, match=r"labels of mnist-sample test must be in \[0, 10\)"):
        load_images("mnist-sample", "test")


@pytest.mark.full_data
@pytest.mark.skipif(not os.environ.get("GEOVQ_DATA"), reason="GEOVQ_DATA is unset")
@pytest.mark.parametrize(("dataset", "mean"), [("mnist", 0.1307), ("fashion_mnist", 0.2860)])
def test_the_full_sets_are_those_everybody_uses(dataset, mean):
    train, test = load_images(dataset, "train"), load_images(dataset, "test")
    assert (len(train), len(test)) == (60_000, 10_000)
    assert torch.bincount(test.labels).sum() == 10_000
    np.testing.assert_allclose(train.images.to(torch.float32).mean(dtype=torch.float64) / 255, mean, atol=5e-5)


@pytest.mark.full_data
@pytest.mark.skipif(not os.environ.get("GEOVQ_DATA"), reason="GEOVQ_DATA is unset")
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_sample_image_is_in_the_same_split_of_its_source(dataset, split):
    whole, sample = load_images(dataset, split), load_images(f"{dataset}-sample", split)
    label_of = {image.tobytes(): int(label) for image, label in zip(whole.images.numpy(), whole.labels, strict=True)}
    assert [label_of[image.tobytes()] for image in sample.images.numpy()] == sample.labels.tolist()
