import pytest
import torch

from geovq.errors import InvalidValueError
from geovq.models import initialised
from geovq.models.simvq_quantizer import SimVQuantizer
from geovq.randomness import make_generator
from geovq.tokenization import NearestCodeTokenizer


@pytest.fixture
def quantizer():
    return initialised(lambda: SimVQuantizer(20, 6), seed=0, stream="test")


@pytest.fixture
def lattices():
    return torch.randn(4, 6, 3, 5, generator=make_generator(0, "lattices"))


def test_codes_are_the_basis_times_the_map(quantizer):
    weights = quantizer.state_dict()
    basis, mapping = weights["simvq.frozen_codebook"], weights["simvq.code_transform.weight"]
    torch.testing.assert_close(quantizer.codebook, basis @ mapping.T)


def test_only_the_map_learns(quantizer):
    assert [name for name, _ in quantizer.named_parameters()] == ["simvq.code_transform.weight"]


def test_a_cell_that_learns_moves_codes_that_none_has_chosen(quantizer, lattices):
    before = quantizer.codebook.detach()
    optimizer = torch.optim.SGD(quantizer.parameters(), lr=0.1)
    quantized = quantizer(lattices[:1, :, :1, :1])
    quantized.codebook_loss.backward()
    optimizer.step()
    moved = (quantizer.codebook.detach() - before).norm(dim=1)
    assert (moved > 0).all()


def test_cells_take_their_nearest_code_in_training_and_in_the_stored_tokenizer(quantizer, lattices):
    quantized, codebook = quantizer(lattices), quantizer.codebook.detach()
    distances = (lattices.permute(0, 2, 3, 1)[..., None, :] - codebook).norm(dim=-1)
    assert torch.equal(quantized.tokens, distances.argmin(dim=-1))
    assert torch.equal(quantizer.encode(lattices), quantized.tokens)
    assert torch.equal(NearestCodeTokenizer("simvq", codebook).encode(lattices), quantized.tokens)
    torch.testing.assert_close(quantized.lattices, quantizer.lookup(quantized.tokens))


def test_the_distances_are_the_loss_of_the_package_in_other_units(quantizer, lattices):
    lattices.requires_grad_()
    quantized = quantizer(lattices)
    ours = quantized.codebook_loss + 0.25 * quantized.commitment
    _, _, theirs = quantizer.simvq(lattices)
    theirs = theirs * 6 * 3 * 5  # a mean over cells and channels, where ours are sums over those of an image
    torch.testing.assert_close(ours, theirs)
    learning = [lattices, *quantizer.parameters()]
    for mine, other in zip(torch.autograd.grad(ours, learning), torch.autograd.grad(theirs, learning), strict=True):
        torch.testing.assert_close(mine, other)


def test_gradients_of_the_pixels_pass_straight_through_to_the_encoder(quantizer, lattices):
    lattices.requires_grad_()
    weights = torch.randn(lattices.shape, generator=make_generator(0, "weights"))
    (gradient,) = torch.autograd.grad((quantizer(lattices).lattices * weights).sum(), lattices)
    torch.testing.assert_close(gradient, weights)


def test_bfloat16_does_not_round_the_codes(quantizer, lattices):
    expected = quantizer(lattices)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = quantizer(lattices)
    assert all(torch.equal(a, b) for a, b in zip(rounded, expected, strict=True))


def test_a_codebook_without_codes_is_refused():
    with pytest.raises(InvalidValueError, match="at least one code and channel; got 0 and 6"):
        SimVQuantizer(0, 6)
