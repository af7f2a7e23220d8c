import dataclasses
import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from geovq.data.full import data_folder, load_full
from geovq.errors import DataError


@pytest.fixture
def no_network(monkeypatch):
    """The mirrors are folders that do not exist, so a download fails at once, as it does without a network."""
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["file:///nonexistent-mirror/"])


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A mirror on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("split", ["train", "test"])
def test_files_that_are_there_are_read_without_a_network(tiny_release, no_network, split):
    folder, dataset, arrays = tiny_release
    images, labels = load_full(dataset, split, folder)
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
    np.testing.assert_array_equal(images.numpy()[:, 0], arrays[split][0])
    np.testing.assert_array_equal(labels.numpy(), arrays[split][1])


def test_missing_files_are_downloaded_and_unpacked(tiny_release, tmp_path, monkeypatch):
    folder, dataset, arrays = tiny_release
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    resources = []
    for path in sorted((folder / "MNIST" / "raw").iterdir()):
        packed = gzip.compress(path.read_bytes())
        (mirror / f"{path.name}.gz").write_bytes(packed)
        resources.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served(mirror) as url:
        monkeypatch.setattr(datasets.MNIST, "mirrors", [url])
        images, _ = load_full(dataset, "train", tmp_path / "elsewhere")
    np.testing.assert_array_equal(images.numpy()[:, 0], arrays["train"][0])


def test_a_failed_download_says_what_is_missing_and_what_to_do(tiny_release, no_network, tmp_path):
    _, dataset, _ = tiny_release
    expected = (
        r"empty/MNIST/raw/train-images-idx3-ubyte is missing and MNIST could not be downloaded \(.+\); "
        r"set GEOVQ_DATA to a folder that holds MNIST/raw, or use the data set mnist-sample"
    )
    with pytest.raises(DataError, match=expected) as caught:
        load_full(dataset, "train", tmp_path / "empty")
    assert "\n" not in str(caught.value)


def test_a_failed_download_names_no_sample_where_there_is_none(tiny_release, no_network, tmp_path):
    _, dataset, _ = tiny_release
    with pytest.raises(DataError, match=r"set GEOVQ_DATA to a folder that holds MNIST/raw\.$"):
        load_full(dataclasses.replace(dataset, name="other"), "train", tmp_path / "empty")


def test_one_missing_file_of_a_set_is_named(tiny_release, no_network):
    folder, dataset, _ = tiny_release
    (folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is missing"):
        load_full(dataset, "test", folder)


def test_a_folder_that_is_a_file_is_refused(tiny_release, tmp_path):
    _, dataset, _ = tiny_release
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="set GEOVQ_DATA to a folder"):
        load_full(dataset, "train", tmp_path / "file")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_a_truncated_file_is_named(tiny_release, name):
    folder, dataset, _ = tiny_release
    path = folder / "MNIST" / "raw" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{name} has \d+ bytes instead of \d+; delete it and start again"):
        load_full(dataset, "train", folder)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_a_single_changed_byte_is_noticed(tiny_release, name):
    folder, dataset, _ = tiny_release
    path = folder / "MNIST" / "raw" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} is not the file of the original release .* delete it"):
        load_full(dataset, "train", folder)


def write_legacy_cache(folder, n_images):
    """As old versions of torchvision left it beside the raw files, with other images."""
    processed = folder / "MNIST" / "processed"
    processed.mkdir(parents=True)
    other = (torch.full((n_images, 28, 28), 7, dtype=torch.uint8), torch.zeros(n_images, dtype=torch.int64))
    for name in ("training.pt", "test.pt"):
        torch.save(other, processed / name)


@pytest.mark.parametrize("n_images", [3, 30])
def test_what_is_read_is_what_was_checked_whatever_an_old_torchvision_left(tiny_release, n_images):
    folder, dataset, arrays = tiny_release
    write_legacy_cache(folder, n_images)
    images, labels = load_full(dataset, "train", folder)
    np.testing.assert_array_equal(images.numpy()[:, 0], arrays["train"][0])
    np.testing.assert_array_equal(labels.numpy(), arrays["train"][1])


def test_such_a_cache_does_not_stand_for_missing_files(tiny_release, no_network, tmp_path):
    _, dataset, _ = tiny_release
    write_legacy_cache(tmp_path / "empty", 30)
    with pytest.raises(DataError, match="is missing and MNIST could not be downloaded"):
        load_full(dataset, "train", tmp_path / "empty")


def test_another_split_of_the_set_may_be_damaged(tiny_release):
    folder, dataset, _ = tiny_release
    (folder / "MNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"")
    assert len(load_full(dataset, "train", folder)[0]) == 30


def test_the_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOVQ_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("GEOVQ_DATA", "")
    assert data_folder() == Path("data")
    monkeypatch.delenv("GEOVQ_DATA")
    assert data_folder() == Path("data")
