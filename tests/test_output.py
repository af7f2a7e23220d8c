"""Output that its stream cannot hold, and names to write to that are none."""

import io
import shutil
import sys

import pytest
import yaml

from geovq.cli import main
from tests.conftest import TINY


@pytest.fixture
def run(tmp_path, monkeypatch, tiny_run):
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path))
    path = tmp_path / "mnist-sample" / "tiny"
    shutil.copytree(tiny_run, path)
    return path


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["runs", "compare", "evaluate", "run"])
def test_what_a_stream_cannot_print_is_replaced(run, monkeypatch, command, encoding):
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    assert main([command, *([] if command == "runs" else [str(run)])]) == 0
    streams["stdout"].flush()
    printed = streams["stdout"].buffer.getvalue().decode(encoding)
    assert "?" in printed  # of the rules of a table
    assert "tiny" in printed


def test_an_error_with_such_characters_is_one_sentence_still(tmp_path, monkeypatch):
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stderr)
    assert main(["compare", str(tmp_path / "größe")]) == 2
    stderr.flush()
    assert b"gr??e holds no run" in stderr.buffer.getvalue()


@pytest.mark.parametrize("command", ["run", "sample", "ship", "train-classifier"])
def test_an_empty_name_to_write_to_is_refused(tmp_path, command, capsys):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(TINY))
    subject = "mnist" if command == "train-classifier" else str(tmp_path / "x.yaml")
    with pytest.raises(SystemExit) as caught:
        main([command, subject, "--out", ""])
    assert caught.value.code == 2
    assert "argument --out: invalid path value: ''" in capsys.readouterr().err
