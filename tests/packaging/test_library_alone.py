"""The library without the extra `app`: everything but figures and pages works, and nothing of the app is imported."""

import subprocess
import sys

import pytest
import yaml

from tests.conftest import TINY
from tests.packaging.conftest import PROJECT

BLOCKED = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {"streamlit", "plotly", "pandas", "pyarrow"}
        return None if absent else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def run_blocked(program, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + program, *map(str, arguments)],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": "", "OMP_NUM_THREADS": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_every_public_name_is_there(tmp_path):
    done = run_blocked("import geovq\nfor name in geovq.__all__: getattr(geovq, name)", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_whole_run_is_made_and_sampled(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    program = """
from geovq.cli import main
assert main(["run", "tiny.yaml"]) == 0
assert main(["sample", "outputs/mnist-sample/tiny", "--n-samples", "1"]) == 0
assert main(["runs"]) == 0
"""
    done = run_blocked(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "samples.png").is_file()


def test_the_app_is_refused_with_its_extra(tmp_path):
    done = run_blocked("from geovq.cli import main\nsys.exit(main(['app']))", tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "geovq: The app needs streamlit, plotly, pyarrow, which this environment lacks; install what belongs to the "
        'app with `pip install "geovq[app]"`.\n'
    )
