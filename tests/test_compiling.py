import subprocess
import sys
from pathlib import Path

import pytest

import geovq

WITHOUT_FOLDERS = """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []  # what numba finds where neither the sources' folders nor a home can be written to
import numba
try:
    numba.njit(cache=True)(lambda x: x)
    raise SystemExit("numba no longer needs a folder; this test shows nothing")
except RuntimeError:
    pass
"""


def run_without_folders(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FOLDERS + code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_commands_work_where_compiled_code_cannot_be_kept():
    listed = run_without_folders("from geovq.cli import main\nraise SystemExit(main(['runs']))")
    assert "mnist" in listed


@pytest.mark.slow
def test_compiled_loops_give_the_same_without_a_cache():
    code = """
import numpy as np
from scipy.sparse import csr_matrix
import geovq
chain = csr_matrix(np.diag(np.ones(3, np.float32), 1))
print(geovq.geodesic_distances(chain + chain.T)[0].tolist())
import umap, pynndescent
"""
    assert run_without_folders(code).strip() == "[0.0, 1.0, 2.0, 3.0]"


def test_every_loop_of_the_library_is_compiled_through_one_door():
    package = Path(geovq.__file__).parent
    others = [p.name for p in package.rglob("*.py") if "numba.njit" in p.read_text() or "numba.jit" in p.read_text()]
    assert others == []
