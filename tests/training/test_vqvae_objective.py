import pytest
import torch
from torch import nn

from geovq.config import VQVAEConfig
from geovq.models import LatticeVQVAE, PlainVQVAE, initialised
from geovq.randomness import make_generator
from geovq.training import Draws, VQVAEObjective
from tests.shapes import TRUNK

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}
CONFIG = VQVAEConfig(latent_channels=3, width=4)


@pytest.fixture
def images():
    return torch.rand(6, 1, 28, 28, generator=make_generator(0, "images"))


@pytest.fixture
def plain():
    return initialised(lambda: PlainVQVAE(CONFIG, 5, *TRUNK), seed=0, stream="test")


def loss_of(model, images):
    return VQVAEObjective(commitment=0.25).loss(model, images, Draws(make_generator(0, "noise")))


def test_the_plain_loss_has_all_three_terms_of_equation_3(plain, images):
    loss, parts = loss_of(plain, images)
    lattices = plain.encode(images)
    codes = plain.quantizer.lookup(plain.quantizer.encode(lattices))
    bce = nn.functional.binary_cross_entropy(plain.decode(codes), images, reduction="sum") / 6
    distance = (lattices - codes).square().sum() / 6
    torch.testing.assert_close(parts["commitment"], distance, **FLOAT32)
    torch.testing.assert_close(loss, bce + distance + 0.25 * distance, **FLOAT32)


def test_the_plain_codebook_learns_from_the_distance_alone(plain, images):
    loss, _ = loss_of(plain, images)
    (gradient,) = torch.autograd.grad(loss, plain.quantizer.codebook)
    lattices = plain.encode(images).detach()
    cells, tokens = lattices.permute(0, 2, 3, 1).reshape(-1, 3), plain.quantizer.encode(lattices).flatten()
    expected = torch.stack([2 * (code - cells[tokens == k]).sum(dim=0) / 6 for k, code in enumerate(plain.codebook)])
    torch.testing.assert_close(gradient, expected, **FLOAT32)


def test_the_plain_encoder_learns_from_the_pixels_and_from_the_commitment(plain, images):
    lattices = plain.encode(images).detach().requires_grad_()
    quantized = plain.quantizer(lattices)
    (quantized.codebook_loss + 0.25 * quantized.commitment).backward()
    torch.testing.assert_close(lattices.grad, 0.25 * 2 * (lattices - quantized.lattices).detach() / 6, **FLOAT32)
    loss, _ = loss_of(plain, images)
    loss.backward()
    assert plain.encoder.layers[0].weight.grad.abs().max() > 0


@pytest.mark.parametrize("vqvae", [LatticeVQVAE, PlainVQVAE])
def test_validation_counts_codes_used_in_any_batch_and_weighs_images_alike(vqvae, images):
    model = initialised(lambda: vqvae(CONFIG, 20, *TRUNK), seed=0, stream="test")
    with torch.no_grad():
        model.quantizer.codebook.copy_(model.encode(images).permute(0, 2, 3, 1).reshape(-1, 3)[::15])
        model.eval()
        objective = VQVAEObjective(commitment=0.25)
        whole, parts = objective.evaluate(model, [images]), objective.evaluate(model, images.split(4))
        per_batch = [len(model.quantizer.encode(model.encode(batch)).unique()) for batch in images.split(1)]
        n_used = len(model.quantizer.encode(model.encode(images)).unique())
    assert parts == pytest.approx(whole, rel=1e-4)
    assert parts["codes_used"] == n_used > max(per_batch)


def test_validation_has_the_loss_of_training(plain, images):
    loss, _ = loss_of(plain, images)
    with torch.no_grad():
        measured = VQVAEObjective(commitment=0.25).evaluate(plain.eval(), [images])
    assert measured["loss"] == pytest.approx(loss.item(), rel=1e-5)
