import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from geovq.randomness import derive_seed, make_generator, make_rng


def draws(seed: int, stream: str) -> list[float]:
    return torch.rand(4, generator=make_generator(seed, stream)).tolist()


def test_a_stream_repeats_itself():
    assert draws(0, "landmarks") == draws(0, "landmarks")
    np.testing.assert_array_equal(make_rng(0, "landmarks").random(4), make_rng(0, "landmarks").random(4))
    assert derive_seed(0, "landmarks") == derive_seed(0, "landmarks")


@pytest.mark.parametrize("make", [draws, lambda *args: make_rng(*args).random(4).tolist(), derive_seed])
def test_seeds_and_names_separate_streams(make):
    values = [make(seed, stream) for seed in (0, 1, 2**32 - 1) for stream in ("a", "b", "ab", "ba")]
    assert len({str(value) for value in values}) == len(values)


def test_streams_are_uncorrelated():
    a, b = (make_rng(0, stream).standard_normal(20_000) for stream in ("images", "landmarks"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(20_000)  # four standard errors


def test_another_process_draws_the_same():
    program = "from geovq.randomness import *; print(derive_seed(3, 'codebook'), make_rng(3, 'codebook').random())"
    other = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONHASHSEED": "1"},  # a salt of its own: hash() would differ
    )
    assert other.stdout == f"{derive_seed(3, 'codebook')} {make_rng(3, 'codebook').random()}\n"


def test_derived_seeds_fit_libraries_that_take_31_bits():
    seeds = [derive_seed(seed, "umap") for seed in range(200)]
    assert min(seeds) >= 0
    assert 2**30 < max(seeds) < 2**31


def test_global_generators_are_left_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    make_generator(0, "a"), make_rng(0, "a"), derive_seed(0, "a")
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
