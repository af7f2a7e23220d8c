"""What holds for every quantizer, however its codes learn."""

import pytest
import torch

from geovq.errors import InvalidValueError
from geovq.models.ema_quantizer import EMAQuantizer
from geovq.models.gradient_quantizer import GradientQuantizer
from geovq.models.quantizer import nearest_codes
from geovq.randomness import make_generator

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


def moving_averages(codebook):
    quantizer = EMAQuantizer(*codebook.shape, decay=0.9, restart_below=0.1).eval()
    quantizer.codebook.copy_(codebook)
    return quantizer


def learnt_by_gradient(codebook):
    quantizer = GradientQuantizer(*codebook.shape)
    quantizer.load_state_dict({"codebook": codebook})
    return quantizer


every_quantizer = pytest.mark.parametrize("quantizer_of", [moving_averages, learnt_by_gradient])


def normal(*shape, stream="test"):
    return torch.randn(*shape, generator=make_generator(1, stream))


@every_quantizer
def test_every_cell_gets_its_nearest_code(quantizer_of):
    lattices, codebook = normal(3, 4, 7, 7), normal(11, 4, stream="codes")
    quantized = quantizer_of(codebook)(lattices)
    cells = lattices.permute(0, 2, 3, 1)
    reference = (cells[..., None, :] - codebook).norm(dim=-1).argmin(dim=-1)
    assert torch.equal(quantized.tokens, reference)
    torch.testing.assert_close(quantized.lattices.permute(0, 2, 3, 1), codebook[reference], **FLOAT32)
    squared = (cells - codebook[reference]).square().sum(dim=(1, 2, 3))  # per image
    torch.testing.assert_close(quantized.commitment, squared.mean(), **FLOAT32)


@every_quantizer
def test_gradient_is_that_of_the_straight_through_surrogate(quantizer_of):
    quantizer = quantizer_of(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
    z = normal(2, 2, 3, 3).requires_grad_()
    weights = normal(2, 2, 3, 3, stream="weights").double()

    def downstream(lattices):
        return (weights * lattices.double().sin()).sum()

    downstream(quantizer(z).lattices).backward()
    shift = (quantizer(z).lattices - z).detach().double()  # the surrogate is downstream(z + shift), shift held fixed
    step = 1e-6
    for index in [(0, 0, 0, 0), (1, 1, 2, 1), (0, 1, 1, 2)]:
        nudge = torch.zeros(z.shape, dtype=torch.float64)
        nudge[index] = step
        point = z.detach().double() + shift
        difference = (downstream(point + nudge) - downstream(point - nudge)) / (2 * step)
        assert z.grad[index].item() == pytest.approx(difference.item(), rel=1e-4, abs=1e-5)
    assert quantizer.codebook.grad is None or not quantizer.codebook.grad.any()  # the decoder's wishes pass it by


@every_quantizer
def test_commitment_pulls_the_lattices_and_not_the_codes(quantizer_of):
    quantizer = quantizer_of(torch.tensor([[0.0], [10.0]]))
    z = torch.tensor([1.0, 12.0]).reshape(1, 1, 1, 2).requires_grad_()
    quantizer(z).commitment.backward()
    torch.testing.assert_close(z.grad.flatten(), torch.tensor([2.0, 4.0]), **FLOAT32)  # 2 (z - code)
    assert quantizer.codebook.grad is None


@pytest.mark.parametrize(
    "build", [lambda k, d: EMAQuantizer(k, d, decay=0.9, restart_below=0.1), GradientQuantizer], ids=["EMA", "gradient"]
)
@pytest.mark.parametrize(("n_codes", "n_channels"), [(0, 3), (3, 0)])
def test_a_quantizer_without_codes_or_channels_is_refused(build, n_codes, n_channels):
    with pytest.raises(InvalidValueError, match=f"at least one code and channel; got {n_codes} and {n_channels}"):
        build(n_codes, n_channels)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_far_from_the_origin_the_nearest_code_is_still_the_nearest(offset):
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(64, 8, generator=generator) + offset
    cells = codes[torch.arange(256) % 64] + 0.05 * torch.randn(256, 8, generator=generator)
    exact = torch.cdist(cells.double(), codes.double()).argmin(dim=1)
    assert torch.equal(nearest_codes(cells, codes), exact)
