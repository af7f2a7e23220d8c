"""A run that refines codebooks: codes that may lie anywhere move, those that are landmarks stay."""

import pytest
import torch

from geovq.config import parse_config
from geovq.runs import open_run
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.stages.tokenizers import fitted
from geovq.runs.stages.workspace import Workspace
from tests.conftest import TINY

REFINED = TINY | {"codebook": {"n_codes": 8, "n_restarts": 2, "refine_rounds": 1}}


@pytest.mark.slow
def test_only_codes_that_may_lie_anywhere_move_and_the_same_way_every_time(run):
    work = Workspace(run, parse_config(REFINED), torch.device("cpu"), RunProgress(run, terminal=False))
    before, moved = open_run(run).tokenizers, fitted(work, "kmeans").codebook
    assert moved.shape == before["kmeans"].codebook.shape
    assert not torch.equal(moved, before["kmeans"].codebook)
    assert torch.equal(moved, fitted(work, "kmeans").codebook)
    assert torch.equal(fitted(work, "riemannian").codebook, before["riemannian"].codebook)
