import pytest
import torch

from geovq.randomness import make_generator
from geovq.training.draws import global_seed, rows_generator, shares, standard_normal

CPU = torch.device("cpu")
LAYOUTS = {
    "contiguous": lambda n: torch.empty(n, 3, 7, 7),
    "channels last": lambda n: torch.empty(n, 3, 7, 7).to(memory_format=torch.channels_last),
    "half of the channels": lambda n: torch.empty(n, 6, 7, 7).to(memory_format=torch.channels_last)[:, :3],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_shares", [1, 2, 3])
def test_rows_get_the_numbers_that_they_have_in_the_whole_batch(layout, n_shares):
    like = LAYOUTS[layout]
    whole = torch.empty_like(like(7)).normal_(generator=make_generator(0, "step"))
    parts = [
        standard_normal(like(rows.stop - rows.start), rows_generator(0, "step", CPU, rows, 7))
        for rows in shares(slice(0, 7), n_shares)
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_the_whole_batch_draws_what_its_stream_draws():
    expected = torch.randn(4, 2, generator=make_generator(3, "step"))
    assert torch.equal(standard_normal(torch.empty(4, 2), make_generator(3, "step")), expected)


def test_parts_of_a_batch_seed_the_global_generator_differently():
    seeds = [global_seed(rows_generator(0, "step", CPU, slice(start, 8), 8)) for start in range(8)]
    assert len(set(seeds)) == 8
    assert seeds[0] == global_seed(make_generator(0, "step"))


@pytest.mark.parametrize(("n_rows", "n_shares"), [(7, 1), (7, 2), (8, 3), (2, 3), (1, 2)])
def test_shares_follow_each_other_and_differ_by_one_row_at_most(n_rows, n_shares):
    parts = shares(slice(5, 5 + n_rows), n_shares)
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(5, 5 + n_rows))
    sizes = [part.stop - part.start for part in parts]
    assert len(sizes) == min(n_rows, n_shares)
    assert max(sizes) - min(sizes) <= 1
