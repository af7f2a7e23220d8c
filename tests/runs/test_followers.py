"""A whole run under torchrun: two processes train, one of them does everything else."""

import subprocess
import sys
from pathlib import Path

import pytest

from geovq.config import dump_config
from geovq.runs import open_run
from geovq.runs.process.status import State, read_status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def together(tiny_config, tmp_path_factory):
    """What a run of two processes printed, and its folder."""
    folder = tmp_path_factory.mktemp("torchrun")
    (folder / "tiny.yaml").write_text(dump_config(tiny_config))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, "-m", "geovq", "run", folder / "tiny.yaml", "--out", folder / "run"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "run"


def test_one_process_speaks_and_the_run_is_whole(together, tiny_config):
    output, path = together
    assert output.count("made vae, ") == 1
    assert read_status(path).state is State.DONE
    assert set(open_run(path).measurements) == {"vae", *tiny_config.tokenizers}


def test_the_vae_is_as_good_as_that_of_one_process(together, tiny_run):
    _, path = together
    mse, alone = (open_run(run).measurements["vae"]["mse"] for run in (path, tiny_run))
    assert mse == pytest.approx(alone, rel=1e-2)
