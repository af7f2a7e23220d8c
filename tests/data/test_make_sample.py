import dataclasses
import json
import os

import pytest
import torch

from geovq.catalogue.datasets import ImageShape, sample_of
from geovq.data import ImageSet, load_images
from geovq.data import make_sample as make_sample_module
from geovq.data.make_sample import main, write_sample
from geovq.data.sample import load_sample
from geovq.errors import DataError, InvalidValueError

SHIPPED = sample_of("mnist")
assert SHIPPED is not None
SAMPLE = dataclasses.replace(SHIPPED, n_images={"train": 30, "test": 20})


def noise(n_images: int, seed: int) -> ImageSet:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (n_images, 1, 28, 28), dtype=torch.uint8, generator=generator)
    return ImageSet("mnist", "train", images, torch.arange(n_images) % 10, tuple("0123456789"))


@pytest.fixture
def splits():
    return {(SAMPLE, "train"): noise(50, seed=0), (SAMPLE, "test"): noise(30, seed=1)}


def test_what_is_written_is_read_back_balanced_and_in_order(splits, tmp_path):
    write_sample(splits, tmp_path)
    for (sample, split), whole in splits.items():
        images, labels = load_sample(sample, split, tmp_path)
        assert torch.bincount(labels).tolist() == [sample.n_images[split] // 10] * 10
        positions = [int((whole.images == image).all(dim=(1, 2, 3)).nonzero()) for image in images]
        assert positions == sorted(set(positions))
        assert torch.equal(whole.labels[positions], labels)


def test_colour_images_come_back_as_they_were(tmp_path):
    sample = dataclasses.replace(SAMPLE, image_shape=ImageShape(3, 8, 12), n_images={"train": 4, "test": 2})
    pixels = torch.randint(256, (2, 3, 8, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = ImageSet("mnist", "test", pixels, torch.arange(2), ("a", "b"))
    sample = dataclasses.replace(sample, class_names=("a", "b"))
    write_sample({(sample, "test"): whole}, tmp_path)
    images, labels = load_sample(sample, "test", tmp_path)
    assert torch.equal(images, pixels)
    assert labels.tolist() == [0, 1]


def test_the_same_seed_writes_the_same_bytes_again(splits, tmp_path):
    first = write_sample(splits, tmp_path / "a", seed=7)
    second = write_sample(splits, tmp_path / "b", seed=7)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.name for path in first] == ["mnist-train.npz", "mnist-test.npz", "manifest.json"]


def test_another_seed_draws_other_images(splits, tmp_path):
    write_sample(splits, tmp_path / "a", seed=0)
    write_sample(splits, tmp_path / "b", seed=1)
    assert not torch.equal(*(load_sample(SAMPLE, "train", tmp_path / name)[0] for name in "ab"))


def test_rewriting_leaves_only_the_sample(splits, tmp_path):
    for seed in (0, 1):
        write_sample(splits, tmp_path, seed=seed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "mnist-test.npz", "mnist-train.npz"]
    assert json.loads((tmp_path / "manifest.json").read_text())["seed"] == 1


def test_a_split_with_too_few_images_of_a_class_is_refused(splits, tmp_path):
    with pytest.raises(InvalidValueError, match="the images of the rarest class; got 600"):
        write_sample({(sample_of("mnist"), "train"): splits[SAMPLE, "train"]}, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(splits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"mnist-train\.npz cannot be written .* writable folder with --out"):
        write_sample(splits, tmp_path / "file")


def test_the_command_prints_one_sentence_and_returns_2_without_the_full_sets(monkeypatch, tmp_path, capsys):
    def fail(*_: object) -> ImageSet:
        raise DataError("train-images-idx3-ubyte is missing.")

    monkeypatch.setattr(make_sample_module, "load_images", fail)
    assert main(["--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "train-images-idx3-ubyte is missing.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.full_data
@pytest.mark.skipif(not os.environ.get("GEOVQ_DATA"), reason="GEOVQ_DATA is unset")
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_shipped_test_sample_is_what_the_builder_draws(dataset, tmp_path):
    sample = sample_of(dataset)
    write_sample({(sample, "test"): load_images(dataset, "test")}, tmp_path)
    rebuilt, shipped = load_sample(sample, "test", tmp_path), load_sample(sample, "test")
    assert torch.equal(rebuilt[0], shipped[0])
    assert torch.equal(rebuilt[1], shipped[1])
