"""What the doctor says of folders that are read-only, full, missing or damaged."""

import shutil

import pytest

from geovq.doctor.finding import Verdict
from geovq.doctor.folders import data_findings, own_finding, room_finding, shipped_findings, writing_finding
from geovq.runs.layout import SHIPPED_ROOT


def test_a_folder_that_is_not_there_yet_is_tried_in_the_one_above(tmp_path) -> None:
    found = writing_finding(tmp_path / "a" / "b")
    assert found.verdict is Verdict.OK
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_a_problem(tmp_path, monkeypatch) -> None:
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    found = writing_finding(tmp_path)
    assert (found.verdict, found.what) == (Verdict.PROBLEM, "outputs")
    assert "Permission denied" in found.sentence
    assert "GEOVQ_OUTPUTS" in found.remedy


@pytest.mark.parametrize(("free", "verdict"), [(10e9, "ok"), (1e9, "warning"), (1e6, "problem")])
def test_the_less_room_the_worse(free, verdict, tmp_path) -> None:
    assert room_finding(tmp_path, free).verdict == verdict


def test_full_sets_that_are_missing_are_a_warning_and_samples_are_sound(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_DATA", str(tmp_path))
    verdicts = {found.sentence.split()[0].rstrip(":"): found.verdict for found in data_findings()}
    assert verdicts == {
        "mnist": Verdict.WARNING,
        "fashion_mnist": Verdict.WARNING,
        "mnist-sample": Verdict.OK,
        "fashion_mnist-sample": Verdict.OK,
    }


def test_a_shipped_run_with_one_other_byte_is_a_problem_with_the_way_back(tmp_path, monkeypatch) -> None:
    shutil.copytree(SHIPPED_ROOT / "demo", tmp_path / "demo")
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", tmp_path)
    (found,) = shipped_findings()
    assert found.verdict is Verdict.OK
    file = tmp_path / "demo" / "geometry.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    (found,) = shipped_findings()
    assert found.verdict is Verdict.PROBLEM
    assert "geometry.safetensors is damaged" in found.sentence
    assert "restores it" in found.sentence


def test_a_run_of_ones_own_that_cannot_be_read_is_a_warning(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path))
    assert own_finding().verdict is Verdict.OK
    (tmp_path / "mnist" / "bad").mkdir(parents=True)
    (tmp_path / "mnist" / "bad" / "config.yaml").write_text("nothing: [")
    found = own_finding()
    assert found.verdict is Verdict.WARNING
    assert found.sentence.startswith("1 of 1 cannot be read")
