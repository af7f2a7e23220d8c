import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from geovq.catalogue.datasets import sample_of
from geovq.data.sample import SAMPLE_FOLDER, load_sample
from geovq.errors import DataError

SAMPLES = {name: sample_of(name) for name in ("mnist", "fashion_mnist")}
REMEDY = "git checkout -- assets/data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("manifest.json", "mnist-test.npz"):
        shutil.copy(SAMPLE_FOLDER / name, tmp_path)
    return tmp_path


def rewrite_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["archives"]["mnist-test.npz"] |= changes
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize(("split", "n_per_class"), [("train", 600), ("test", 100)])
def test_the_sample_holds_the_same_number_of_every_class(dataset, split, n_per_class):
    images, labels = load_sample(SAMPLES[dataset], split)
    assert images.shape == (10 * n_per_class, 1, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert torch.bincount(labels).tolist() == [n_per_class] * 10


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_no_test_image_is_among_the_training_images(dataset):
    (train, _), (test, _) = load_sample(SAMPLES[dataset], "train"), load_sample(SAMPLES[dataset], "test")
    training_images = {image.tobytes() for image in train.numpy()}
    assert not [image for image in test.numpy() if image.tobytes() in training_images]


def test_the_sample_looks_like_its_source():
    """Mean intensities of the training splits as everybody normalises with them: 0.1307 and 0.2860."""
    for dataset, mean in (("mnist", 0.1307), ("fashion_mnist", 0.2860)):
        images, _ = load_sample(SAMPLES[dataset], "train")
        # 6,000 of 60,000 images; their means spread by 0.04 and 0.14, so 0.006 is over three standard errors
        np.testing.assert_allclose(images.double().mean() / 255, mean, atol=0.006)


def test_the_archives_fit_in_eight_megabytes():
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.iterdir()) <= 8_000_000


def test_the_sample_is_found_from_any_folder_and_without_torchvision(tmp_path):
    code = (
        "import sys; from geovq.data import load_images; print(len(load_images('mnist-sample', 'test')));"
        "assert 'torchvision' not in sys.modules"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SAMPLE_FOLDER.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.strip() == "1000", found.stderr


def test_a_missing_archive_is_named(folder):
    (folder / "mnist-test.npz").unlink()
    with pytest.raises(DataError, match=rf"mnist-test\.npz cannot be read .*{REMEDY}"):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_a_truncated_archive_is_named(folder):
    path = folder / "mnist-test.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"mnist-test\.npz has \d+ bytes instead of \d+; .*{REMEDY}"):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_a_single_changed_bit_is_noticed(folder):
    path = folder / "mnist-test.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"mnist-test\.npz was altered .*{REMEDY}"):
        load_sample(SAMPLES["mnist"], "test", folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[]", b'"text"', b"{}", b"\xff\xfe", b'{"format": 1, "archives": {"mnist-test.npz": 3}}'],
)
def test_a_damaged_manifest_is_named(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(
        DataError, match=rf"manifest\.json is damaged: it does not describe mnist-test\.npz; .*{REMEDY}"
    ):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_a_missing_manifest_is_named(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(DataError, match=rf"manifest\.json cannot be read .*{REMEDY}"):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_a_manifest_of_another_format_is_named(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(DataError, match=r"manifest\.json has format 2, not 1"):
        load_sample(SAMPLES["mnist"], "test", folder)


def write_archive(folder: Path, content: bytes) -> None:
    (folder / "mnist-test.npz").write_bytes(content)
    rewrite_manifest(folder, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x93NUMPY\x01\x00 torn", b"\x80\x04N."])
def test_an_archive_that_is_none_is_named_even_if_the_manifest_agrees_with_it(folder, content):
    write_archive(folder, content)
    with pytest.raises(DataError, match=r"mnist-test\.npz is not a sound archive of images and labels"):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_pickled_objects_are_never_loaded(folder, tmp_path):
    objects = np.array([print], dtype=object)
    np.savez(tmp_path / "pickled.npz", images=objects, labels=objects)
    write_archive(folder, (tmp_path / "pickled.npz").read_bytes())
    with pytest.raises(DataError, match=r"mnist-test\.npz is not a sound archive"):
        load_sample(SAMPLES["mnist"], "test", folder)


def test_an_archive_with_fewer_images_than_the_manifest_says_is_named(folder):
    rewrite_manifest(folder, n_images=999)
    with pytest.raises(DataError, match=r"mnist-test\.npz: images must be uint8 \(999, 28, 28\); got uint8 \(1000, 28"):
        load_sample(SAMPLES["mnist"], "test", folder)
