import json
import os

import pytest
import torch

from geovq.data import ImageSet, load_images
from geovq.data import make_sample as make_sample_module
from geovq.data.make_sample import main, write_sample
from geovq.data.sample import load_sample
from geovq.errors import DataError, InvalidValueError

N_PER_CLASS = {"train": 3, "test": 2}


def noise(n_images: int, seed: int) -> ImageSet:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (n_images, 1, 28, 28), dtype=torch.uint8, generator=generator)
    return ImageSet("mnist", "train", images, torch.arange(n_images) % 10, tuple("0123456789"))


@pytest.fixture
def splits():
    return {("mnist", "train"): noise(50, seed=0), ("mnist", "test"): noise(30, seed=1)}


def test_what_is_written_is_read_back_balanced_and_in_order(splits, tmp_path):
    write_sample(splits, tmp_path, n_per_class=N_PER_CLASS)
    for (dataset, split), whole in splits.items():
        images, labels = load_sample(dataset, split, tmp_path)
        assert torch.bincount(labels).tolist() == [N_PER_CLASS[split]] * 10
        positions = [int((whole.images == image).all(dim=(1, 2, 3)).nonzero()) for image in images]
        assert positions == sorted(set(positions))
        assert torch.equal(whole.labels[positions], labels)


def test_the_same_seed_writes_the_same_bytes_again(splits, tmp_path):
    first = write_sample(splits, tmp_path / "a", n_per_class=N_PER_CLASS, seed=7)
    second = write_sample(splits, tmp_path / "b", n_per_class=N_PER_CLASS, seed=7)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.name for path in first] == ["mnist-train.npz", "mnist-test.npz", "manifest.json"]


def test_another_seed_draws_other_images(splits, tmp_path):
    write_sample(splits, tmp_path / "a", n_per_class=N_PER_CLASS, seed=0)
    write_sample(splits, tmp_path / "b", n_per_class=N_PER_CLASS, seed=1)
    assert not torch.equal(*(load_sample("mnist", "train", tmp_path / name)[0] for name in "ab"))


def test_rewriting_leaves_only_the_sample(splits, tmp_path):
    for seed in (0, 1):
        write_sample(splits, tmp_path, n_per_class=N_PER_CLASS, seed=seed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "mnist-test.npz", "mnist-train.npz"]
    assert json.loads((tmp_path / "manifest.json").read_text())["seed"] == 1


def test_a_split_with_too_few_images_of_a_class_is_refused(splits, tmp_path):
    with pytest.raises(InvalidValueError, match="the images of the rarest class; got 600"):
        write_sample(splits, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(splits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"mnist-train\.npz cannot be written .* writable folder with --out"):
        write_sample(splits, tmp_path / "file", n_per_class=N_PER_CLASS)


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
    write_sample({(dataset, "test"): load_images(dataset, "test")}, tmp_path)
    rebuilt, shipped = load_sample(dataset, "test", tmp_path), load_sample(dataset, "test")
    assert torch.equal(rebuilt[0], shipped[0])
    assert torch.equal(rebuilt[1], shipped[1])
