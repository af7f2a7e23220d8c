"""The one command of CONTRIBUTING.md that makes the API reference."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.packaging.conftest import PROJECT

COMMAND = re.compile(r"^python (-m pdoc .*) -o build/api (.*)$", re.MULTILINE)


@pytest.mark.slow
def test_the_command_makes_pages_of_the_public_interface(tmp_path):
    ((options, modules),) = COMMAND.findall((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    command = f"{shlex.quote(sys.executable)} {options} -o {shlex.quote(str(tmp_path))} {modules}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    for page, name in (("geometry", "metric_tensors"), ("tokenization", "discretize"), ("runs", "open_run")):
        assert f'id="{name}"' in (tmp_path / "geovq" / f"{page}.html").read_text(encoding="utf-8")
