"""Command lines of tests: an outputs root of their own, and a finished run in it."""

import shutil

import pytest
import yaml

from geovq.cli import main
from tests.conftest import TINY


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An outputs root of this test's own, on a machine without shipped runs."""
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", tmp_path / "checkpoints")
    return tmp_path / "outputs"


@pytest.fixture
def run(root, tiny_run):
    path = root / "mnist-sample" / "tiny"
    shutil.copytree(tiny_run, path)
    return path


@pytest.fixture
def config_file(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture
def geovq(capsys):
    """Runs a command line in this process; gives exit code, output and errors."""

    def geovq(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return geovq


@pytest.fixture
def refused(geovq):
    """The one sentence that a command line is refused with."""

    def refused(*arguments):
        code, _, errors = geovq(*arguments)
        assert code == 2
        assert errors.startswith("geovq: ")
        assert errors.count("\n") == 1
        return errors

    return refused
