import torch

from geovq.models import initialised
from geovq.models.gradient_quantizer import GradientQuantizer
from geovq.randomness import make_generator

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


def quantizer_at(codebook):
    quantizer = GradientQuantizer(*codebook.shape)
    quantizer.load_state_dict({"codebook": codebook})
    return quantizer


def normal(*shape, stream="test"):
    return torch.randn(*shape, generator=make_generator(3, stream))


def test_the_codebook_gradient_is_twice_the_sum_of_differences_to_its_cells():
    lattices, codes = normal(4, 3, 5, 5), normal(6, 3, stream="codes")
    quantizer = quantizer_at(codes)
    quantized = quantizer(lattices)
    quantized.codebook_loss.backward()
    cells, tokens = lattices.permute(0, 2, 3, 1).reshape(-1, 3), quantized.tokens.flatten()
    expected = torch.stack([2 * (code - cells[tokens == k]).sum(dim=0) / 4 for k, code in enumerate(codes)])
    torch.testing.assert_close(quantizer.codebook.grad, expected, **FLOAT32)


def test_the_codebook_gradient_is_that_of_finite_differences():
    lattices, codes = normal(2, 2, 3, 3), normal(4, 2, stream="codes")
    quantizer = quantizer_at(codes)
    quantized = quantizer(lattices)
    quantized.codebook_loss.backward()
    cells = lattices.permute(0, 2, 3, 1).reshape(-1, 2).double()

    def distance(codebook):
        return (cells - codebook[quantized.tokens.flatten()]).square().sum() / 2  # of two images

    step = 1e-5
    for index in [(0, 0), (1, 1), (3, 0)]:
        nudge = torch.zeros(4, 2, dtype=torch.float64)
        nudge[index] = step
        difference = (distance(codes.double() + nudge) - distance(codes.double() - nudge)) / (2 * step)
        torch.testing.assert_close(quantizer.codebook.grad[index].double(), difference, **FLOAT32)


def test_the_codebook_term_leaves_the_lattices_alone():
    lattices = normal(2, 3, 4, 4).requires_grad_()
    quantized = quantizer_at(normal(5, 3, stream="codes"))(lattices)
    assert quantized.codebook_loss.item() == quantized.commitment.item()
    assert torch.autograd.grad(quantized.codebook_loss, lattices, allow_unused=True) == (None,)


def test_a_code_that_no_cell_chooses_never_moves():
    quantizer = quantizer_at(torch.tensor([[0.0], [100.0]]))
    optimizer = torch.optim.Adam(quantizer.parameters(), lr=0.1)
    for step in range(10):
        optimizer.zero_grad()
        quantizer(normal(2, 1, 3, 3, stream=f"{step}") + 5).codebook_loss.backward()
        optimizer.step()
    assert quantizer.codebook[1].item() == 100.0
    assert quantizer.codebook[0].item() > 0.5  # on its way to 5


def test_codes_start_evenly_around_zero_and_from_the_seed():
    first, again, other = (
        initialised(lambda: GradientQuantizer(50, 40), seed, "weights").codebook.detach() for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.abs().max() <= 1 / 50
    # Variance of a uniform distribution on [-a, a]: a^2 / 3. Of 2,000 draws it comes out to within 2 % (one sigma).
    torch.testing.assert_close(first.var(), torch.tensor(1 / 50**2 / 3), rtol=0.1, atol=0.0)


def test_eval_and_training_mode_agree():
    quantizer, lattices = quantizer_at(normal(5, 3, stream="codes")), normal(2, 3, 4, 4)
    trained, evaluated = quantizer.train()(lattices), quantizer.eval()(lattices)
    assert all(torch.equal(a, b) for a, b in zip(trained, evaluated, strict=True))
