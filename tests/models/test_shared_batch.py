"""Two processes that hold parts of a batch move one codebook as one process with all of it does."""

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

from geovq.models import ema_quantizer
from geovq.models.ema_quantizer import EMAQuantizer
from geovq.models.shared_batch import all_rows, total
from geovq.randomness import make_generator

WARM_UP, N_STEPS = 2, 8


def trained(parts):
    """Codebook after some steps on `parts` of a batch, a slice; many codes restart on the way."""
    quantizer = EMAQuantizer(12, 3, decay=0.8, restart_below=0.6)
    for step in range(N_STEPS):
        batch = torch.randn(7, 3, 2, 2, generator=make_generator(step, "cells")) * (1 + step)
        quantizer(batch[parts], make_generator(step, "draws"))
    return quantizer.state_dict()


def one_of_two(rank, folder):
    torch.set_num_threads(1)
    ema_quantizer.N_WARM_UP_STEPS = WARM_UP
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    try:
        rows = torch.arange(6.0).reshape(3, 2)[slice(0, 1) if rank == 0 else slice(1, 3)]
        found = {"total": total(rows[:1]), "all_rows": all_rows(rows)}
        found |= trained(slice(0, 4) if rank == 0 else slice(4, 7))
        torch.save(found, folder / f"{rank}")
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_move_the_codebook_of_one(tmp_path, monkeypatch):
    multiprocessing.spawn(one_of_two, args=(tmp_path,), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}", weights_only=True) for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first.pop("total").tolist() == [[2.0, 4.0]]
    assert first.pop("all_rows").tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    monkeypatch.setattr(ema_quantizer, "N_WARM_UP_STEPS", WARM_UP)
    for name, tensor in trained(slice(0, 7)).items():
        torch.testing.assert_close(first[name], tensor, rtol=1e-4, atol=1e-5)


def test_a_process_without_partners_has_the_whole_batch():
    rows = torch.ones(3, 2)
    assert all_rows(rows) is rows
    assert total(rows) is rows
