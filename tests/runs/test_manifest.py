import json

import pytest
import torch

from geovq.errors import ArtifactError
from geovq.runs.manifest import new_manifest, read_manifest, record_stage, write_manifest


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "a.json").write_text("a")
    record = record_stage(tmp_path, "digest of inputs", ("a.json",), 1.5, torch.device("cpu"))
    return new_manifest(seed=3).with_stage("a", record)


def test_a_manifest_comes_back_as_it_was_written(tmp_path, manifest):
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_it_says_what_made_the_run(manifest):
    record = manifest.stages["a"]
    assert (manifest.seed, manifest.versions["torch"], record.device, record.elapsed_s) == (
        3,
        torch.__version__.partition("+")[0],
        "cpu",
        1.5,
    )


@pytest.mark.parametrize(("device", "deterministic"), [("cpu", True), ("mps", False)])
def test_it_says_whether_the_device_repeats_itself(tmp_path, device, deterministic):
    assert record_stage(tmp_path, "digest of inputs", (), 1.5, torch.device(device)).deterministic is deterministic


def test_a_file_has_the_digest_of_the_stage_that_wrote_it(manifest):
    sha256_of_a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert manifest.digest_of("a.json") == sha256_of_a
    assert manifest.digest_of("b.json") is None
    assert manifest.without_stage("a").digest_of("a.json") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"manifest\.json is damaged"),
        ("[]", r"manifest\.json has format None, where this version of geovq reads 1"),
        (json.dumps({"format": 2}), r"manifest\.json has format 2, where this version of geovq reads 1"),
        (json.dumps({"format": 1, "seed": 0, "versions": {}, "stages": {"a": {}}}), r"damaged at stages\.a\.input_"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named_with_the_command_that_makes_it_again(tmp_path, content, message):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_manifest(tmp_path)
    assert str(caught.value).endswith(f"delete it, and `python -m geovq run {tmp_path}` makes it again.")


def test_a_shipped_manifest_is_not_to_be_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"`git checkout .*manifest\.json` restores it"):
        read_manifest(tmp_path)
