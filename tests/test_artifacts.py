import json

import pytest
import torch

from geovq.artifacts import (
    digest_of,
    file_digest,
    read_json,
    read_safetensors,
    write_bytes_atomic,
    write_json,
    write_safetensors,
)
from geovq.errors import ArtifactError


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "weights.safetensors"
    weights = torch.arange(12.0).reshape(3, 4)
    tensors = {"a": weights, "row": weights[1], "transposed": weights.T, "n": torch.tensor(3)}
    write_safetensors(path, tensors, kind="model", format=2, metadata={"z": [1, 2.5], "a": {"b": None}})
    return path, tensors


def test_tensors_and_metadata_come_back(written):
    path, tensors = written
    loaded, metadata = read_safetensors(path, "model", 2)
    assert metadata == {"kind": "model", "format": 2, "z": [1, 2.5], "a": {"b": None}}
    assert set(loaded) == set(tensors)
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_same_content_gives_the_same_bytes(tmp_path):
    metadata = {f"key{i}": i for i in range(20)}
    for name in ("one", "two"):
        write_safetensors(tmp_path / name, {"a": torch.ones(2)}, kind="model", format=1, metadata=metadata)
    assert file_digest(tmp_path / "one") == file_digest(tmp_path / "two")


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b"", lambda b: b"\xff" * 100, lambda b: b[:20]])
def test_damaged_tensors_are_named_with_the_remedy(written, damage):
    path, _ = written
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArtifactError, match=r"weights\.safetensors is damaged .*; press the button\."):
        read_safetensors(path, "model", 2, remedy="press the button")


@pytest.mark.parametrize(("kind", "format_"), [("tokenizer", 2), ("model", 1)])
def test_another_kind_or_format_is_refused(written, kind, format_):
    path, _ = written
    with pytest.raises(ArtifactError, match=f"is a model of format 2, where a {kind} of format {format_} is needed"):
        read_safetensors(path, kind, format_)


def test_foreign_safetensors_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(ArtifactError, match="is not a geovq file, where a model"):
        read_safetensors(tmp_path / "foreign", "model", 1)


@pytest.mark.parametrize("read", [lambda p: read_safetensors(p, "model", 1), read_json])
def test_missing_file_is_named(tmp_path, read):
    with pytest.raises(ArtifactError, match=r"absent does not exist; delete it|absent does not exist"):
        read(tmp_path / "absent")
    with pytest.raises(ArtifactError, match="is not a file"):
        read(tmp_path)


@pytest.mark.parametrize(
    "write",
    [
        lambda p: write_json(p, 1),
        lambda p: write_bytes_atomic(p, b""),
        lambda p: write_safetensors(p, {}, kind="model", format=1),
    ],
)
def test_unwritable_folder_is_named(tmp_path, write):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(ArtifactError, match=r"taken/x cannot be written .*make its folder writable"):
        write(tmp_path / "taken" / "x")


def test_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, object())
    with pytest.raises(RuntimeError):
        write_safetensors(path, {"a": torch.ones(1, device="meta")}, kind="model", format=1)
    assert read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["value.json"]


def test_json_comes_back_and_damage_is_named(tmp_path):
    path = tmp_path / "below" / "value.json"
    write_json(path, {"name": "é", "values": [1, None]})
    assert read_json(path) == {"name": "é", "values": [1, None]}
    path.write_text(json.dumps({"a": 1})[:-1])
    with pytest.raises(ArtifactError, match=r"value\.json is damaged"):
        read_json(path)


def test_digest_ignores_the_order_of_keys_only():
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": [2, 3], "a": 1})
    assert digest_of({"a": [2, 3]}) != digest_of({"a": [3, 2]})


def test_digest_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ArtifactError, match="absent cannot be read"):
        file_digest(tmp_path / "absent")
