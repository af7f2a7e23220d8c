import pytest
import torch

from geovq.randomness import make_generator
from geovq.training.pairs import join, part


def pixels(*shape):
    return torch.rand(shape, generator=make_generator(0, "pixels"))


def test_what_was_joined_comes_apart_again():
    images, labels = pixels(5, 1, 4, 3), torch.tensor([0, 9, 2**24 - 1, 7, 1])
    first, second = part(join(images, labels), (1, 4, 3))
    assert torch.equal(first, images)
    assert torch.equal(second.long(), labels[:, None])


def test_lattices_come_back_flat():
    images, lattices = pixels(5, 1, 4, 3), pixels(5, 2, 7, 7)
    _, second = part(join(images, lattices), (1, 4, 3))
    assert torch.equal(second, lattices.flatten(start_dim=1))


def test_every_example_needs_both():
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        join(pixels(5, 2), pixels(4, 2))
