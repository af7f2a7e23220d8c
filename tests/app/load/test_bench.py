"""The app with four sessions at once, for ten seconds."""

import json
from pathlib import Path

import psutil
import pytest

from geovq.cli import main


@pytest.mark.slow
def test_four_sessions_walk_about_without_an_error_and_the_server_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "outputs"))
    before = set(psutil.Process().children())
    out = tmp_path / "load.json"
    options = ["--sessions=4", "--seconds=10", "--think=1", "--patience=240", f"--out={out}"]  # a busy machine is slow
    assert main(["bench", "app", *options]) == 0
    found = json.loads(out.read_text())
    assert found["errors"] == {}
    assert found["pages"]["visits"] >= 4
    assert found["pages"]["median_s"] > 0
    assert found["memory_mb"]["most"] > 100
    assert "4 sessions, 1 s to think" in capsys.readouterr().out
    assert set(psutil.Process().children()) == before


@pytest.mark.parametrize(
    "option", ["--sessions=0", "--seconds=0", "--seconds=nan", "--think=-1", "--think=inf", "--patience=0"]
)
def test_a_bench_without_end_or_beginning_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "app", option]) == 2
    assert "--sessions must be at least 1" in capsys.readouterr().err
