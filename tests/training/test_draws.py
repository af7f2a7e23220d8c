import pytest
import torch

from geovq.randomness import make_generator
from geovq.training.draws import Draws, shares

LAYOUTS = {
    "contiguous": lambda n: torch.empty(n, 3, 7, 7),
    "channels last": lambda n: torch.empty(n, 3, 7, 7).to(memory_format=torch.channels_last),
    "half of the channels": lambda n: torch.empty(n, 6, 7, 7).to(memory_format=torch.channels_last)[:, :3],
}


def draws(n_before=0, n_after=0):
    return Draws(make_generator(0, "step"), n_before, n_after)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_shares", [1, 2, 3])
def test_rows_get_the_numbers_that_they_have_in_the_whole_batch(layout, n_shares):
    like = LAYOUTS[layout]
    whole = torch.empty_like(like(7)).normal_(generator=make_generator(0, "step"))
    parts = [
        draws(rows.start, 7 - rows.stop).standard_normal(like(rows.stop - rows.start))
        for rows in shares(slice(0, 7), n_shares)
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_the_whole_batch_draws_what_its_stream_draws():
    expected = torch.randn(4, 2, generator=make_generator(0, "step"))
    assert torch.equal(draws().standard_normal(torch.empty(4, 2)), expected)


def test_whole_numbers_are_those_of_the_row_and_reach_both_ends():
    whole = draws().integers(-2, 2, 100, 2)
    assert whole.unique().tolist() == [-2, -1, 0, 1, 2]
    assert torch.equal(draws(30, 60).integers(-2, 2, 10, 2), whole[30:40])


def test_parts_of_a_batch_seed_the_global_generator_differently():
    seeds = [draws(start, 7 - start).global_seed() for start in range(8)]
    assert len(set(seeds)) == 8
    assert seeds[0] == draws().global_seed()


@pytest.mark.parametrize(("n_rows", "n_shares"), [(7, 1), (7, 2), (8, 3), (2, 3), (1, 2)])
def test_shares_follow_each_other_and_differ_by_one_row_at_most(n_rows, n_shares):
    parts = shares(slice(5, 5 + n_rows), n_shares)
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(5, 5 + n_rows))
    sizes = [part.stop - part.start for part in parts]
    assert len(sizes) == min(n_rows, n_shares)
    assert max(sizes) - min(sizes) <= 1
