import torch
from torch import nn

from geovq.models import initialised
from geovq.models.initialisation import global_draws


def weights(seed, stream):
    return initialised(lambda: nn.Linear(3, 3), seed, stream).weight


def test_weights_depend_on_seed_and_stream_alone():
    torch.rand(1)
    first = weights(0, "a")
    torch.rand(1)
    assert torch.equal(first, weights(0, "a"))
    assert not torch.equal(first, weights(1, "a"))
    assert not torch.equal(first, weights(0, "b"))


def test_the_global_generator_is_left_as_it_was():
    before = torch.get_rng_state()
    weights(0, "a")
    with global_draws(5):
        torch.rand(3)
    assert torch.equal(before, torch.get_rng_state())
