"""The one command of CONTRIBUTING.md that makes the API reference."""

import re
import subprocess

import pytest

from tests.packaging.conftest import PROJECT

COMMAND = re.compile(r"^pdoc .* -o build/api .*$", re.MULTILINE)


@pytest.mark.slow
def test_the_command_makes_pages_of_the_public_interface(tmp_path):
    (command,) = COMMAND.findall((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    command = command.replace("build/api", str(tmp_path))
    done = subprocess.run(
        ["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    for page, name in (("geometry", "metric_tensors"), ("tokenization", "discretize"), ("runs", "open_run")):
        assert f'id="{name}"' in (tmp_path / "geovq" / f"{page}.html").read_text(encoding="utf-8")
