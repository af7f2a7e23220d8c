import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from geovq.config import PriorConfig, VAEConfig, VQVAEConfig
from geovq.models import LatticePrior, LatticeVAE, LatticeVQVAE, initialised
from geovq.randomness import make_generator
from geovq.training import Draws, PriorObjective, TokenSet, VAEObjective, VQVAEObjective
from geovq.training.objective import bce_nats
from tests.shapes import TRUNK
from tests.training.cases import Listener, train

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def images():
    return torch.rand(6, 1, 28, 28, generator=make_generator(0, "images"))


@pytest.fixture
def vae():
    return initialised(lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *TRUNK), seed=0, stream="test")


@pytest.fixture
def vqvae(images):
    model = initialised(lambda: LatticeVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *TRUNK), seed=0, stream="test")
    model.quantizer(model.encode(images), make_generator(0, "start"))
    return model


def test_bce_is_the_bernoulli_likelihood_of_binary_images():
    generator = make_generator(0, "pixels")
    logits = torch.randn(3, 1, 28, 28, generator=generator)
    binary = (torch.rand(3, 1, 28, 28, generator=generator) > 0.5).float()
    reference = -Bernoulli(logits=logits).log_prob(binary).sum(dim=(1, 2, 3))
    torch.testing.assert_close(bce_nats(logits, binary), reference, **FLOAT32)


def test_undecided_logits_cost_log_2_per_pixel(images):
    torch.testing.assert_close(bce_nats(torch.zeros_like(images), images), torch.full((6,), 784 * math.log(2)))


def test_vae_loss_is_the_negative_beta_elbo(vae, images):
    loss, parts = VAEObjective(beta=0.3).loss(vae, images, Draws(make_generator(0, "noise")))
    posterior = vae.posterior(images)
    latents = posterior.sample(torch.empty_like(posterior.mean).normal_(generator=make_generator(0, "noise")))
    bce = nn.functional.binary_cross_entropy(vae.decode(latents), images, reduction="sum") / 6
    q = Normal(posterior.mean, (posterior.logvar / 2).exp())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum() / 6
    torch.testing.assert_close(parts["bce_nats"], bce, **FLOAT32)
    torch.testing.assert_close(parts["kl_nats"], kl, **FLOAT32)
    torch.testing.assert_close(loss, bce + 0.3 * kl, **FLOAT32)


def test_vae_counts_the_channels_that_carry_information(vae, images):
    with torch.no_grad():
        head = vae.encoder.layers[-1]  # channels: three means, three log-variances
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0.0, 1.0, 0.1, 0.0, 0.0, 0.0]))  # KL per cell: 0, 0.5 and 0.005 nats
        measured = VAEObjective(beta=1.0).evaluate(vae, images.split(4))
    assert measured["active_channels"] == 1
    assert measured["kl_nats"] == pytest.approx(49 * 0.505, rel=1e-5)


def with_constant_kl(vae, channel_kl):
    """The model with the same KL in every cell: KL(N(m, 1) || N(0, 1)) is m^2 / 2."""
    n = len(channel_kl)
    with torch.no_grad():
        head = vae.encoder.layers[-1]  # channels: n means, n log-variances
        head.weight.zero_()
        head.bias.zero_()
        head.bias[:n] = (2 * torch.tensor(channel_kl) / 49).sqrt()
    return vae


def test_channels_below_the_free_bits_cost_the_same_and_feel_nothing(vae, images):
    with_constant_kl(vae, [0.5, 3.0, 7.0])  # nats per image
    loss, parts = VAEObjective(beta=0.2, free_bits=2.0).loss(vae, images, Draws(make_generator(0, "noise")))
    assert parts["kl_nats"].item() == pytest.approx(10.5, rel=1e-5)
    assert (loss - parts["bce_nats"]).item() == pytest.approx(0.2 * (2.0 + 3.0 + 7.0), rel=1e-4)
    (gradient,) = torch.autograd.grad(loss - parts["bce_nats"], vae.encoder.layers[-1].bias)
    means = vae.encoder.layers[-1].bias[:3].detach()
    torch.testing.assert_close(gradient[:3], 0.2 * 49 * means * torch.tensor([0.0, 1.0, 1.0]), **FLOAT32)


def test_free_bits_count_in_validation_as_in_training(vae, images):
    with_constant_kl(vae, [0.5, 3.0, 7.0])
    with torch.no_grad():
        measured = VAEObjective(beta=0.2, free_bits=2.0).evaluate(vae, images.split(4))
    assert measured["loss"] - measured["bce_nats"] == pytest.approx(0.2 * 12.0, rel=1e-4)
    assert measured["kl_nats"] == pytest.approx(10.5, rel=1e-5)


def test_validation_has_the_kl_of_every_channel(vae, images):
    with_constant_kl(vae, [0.0, 3.0, 7.0])
    with torch.no_grad():
        measured = VAEObjective(beta=0.1).evaluate(vae, images.split(4))
    channels = {name: nats for name, nats in measured.items() if name.startswith("kl_nats/")}
    assert channels == pytest.approx({"kl_nats/00": 0.0, "kl_nats/01": 3.0, "kl_nats/02": 7.0}, abs=1e-5)


def test_beta_rises_in_a_line_to_its_value(vae, images):
    objective = VAEObjective(beta=0.4, beta_warmup=0.5)
    betas = [objective.at(fraction).beta for fraction in (0.0, 0.125, 0.25, 0.499, 0.5, 0.9)]
    assert betas == pytest.approx([0.0, 0.1, 0.2, 0.3992, 0.4, 0.4])
    loss, parts = objective.at(0.25).loss(vae, images, Draws(make_generator(0, "noise")))
    torch.testing.assert_close(loss, parts["bce_nats"] + 0.2 * parts["kl_nats"], **FLOAT32)


def test_epochs_are_compared_at_the_final_beta(vae, images):
    with torch.no_grad():
        rising = VAEObjective(beta=0.4, beta_warmup=0.5).evaluate(vae, [images])
        constant = VAEObjective(beta=0.4).evaluate(vae, [images])
    assert rising == constant


def test_the_loop_raises_beta_with_the_steps(tmp_path):
    listener = Listener()
    train("vae", tmp_path / "state", objective=VAEObjective(beta=0.6, beta_warmup=0.5), progress=listener)
    rows = [row for row in listener.rows if row["split"] == "train"]
    betas = [(row["loss"] - row["bce_nats"]) / row["kl_nats"] for row in rows]
    assert betas == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.6, 0.6], abs=1e-2)  # a small KL beside a BCE of 500


def test_vqvae_loss_adds_the_squared_distance_per_image(vqvae, images):
    vqvae.eval()
    loss, parts = VQVAEObjective(commitment=0.25).loss(vqvae, images, Draws(make_generator(0, "noise")))
    lattices = vqvae.encode(images)
    codes = vqvae.quantizer.lookup(vqvae.quantizer.encode(lattices))
    bce = nn.functional.binary_cross_entropy(vqvae.decode(codes), images, reduction="sum") / 6
    distance = (lattices - codes).square().sum() / 6
    torch.testing.assert_close(parts["bce_nats"], bce, **FLOAT32)
    torch.testing.assert_close(parts["commitment"], distance, **FLOAT32)
    torch.testing.assert_close(loss, bce + 0.25 * distance, **FLOAT32)


def test_vqvae_gradient_reaches_the_encoder_through_the_codes(vqvae, images):
    loss, _ = VQVAEObjective(commitment=0.0).loss(vqvae, images, Draws(make_generator(0, "noise")))
    loss.backward()
    assert vqvae.encoder.layers[0].weight.grad.abs().max() > 0


def test_vqvae_counts_the_codes_that_are_used_anywhere(vqvae, images):
    vqvae.eval()
    with torch.no_grad():
        measured = VQVAEObjective(commitment=0.25).evaluate(vqvae, images.split(4))
        tokens = vqvae.quantizer.encode(vqvae.encode(images))
    assert measured["codes_used"] == len(tokens.unique())


@pytest.mark.parametrize("name", ["vae", "vqvae"])
def test_validation_does_not_depend_on_the_batch_size(name, images, request):
    model = request.getfixturevalue(name).eval()
    objective = VAEObjective(beta=0.1) if name == "vae" else VQVAEObjective(commitment=0.25)
    with torch.no_grad():
        whole, parts = objective.evaluate(model, [images]), objective.evaluate(model, images.split(4))
    assert parts == pytest.approx(whole, rel=1e-4)


class _Uniform(nn.Module):
    n_classes = 0

    def forward(self, tokens, labels):
        return torch.zeros(*tokens.shape, 8)


def test_a_uniform_prior_needs_log_k_nats_per_token():
    tokens = torch.randint(8, (5, 49), generator=make_generator(0, "tokens"))
    loss, parts = PriorObjective().loss(_Uniform(), (tokens, None), Draws(make_generator(0, "noise")))
    assert loss.item() == parts["nll_nats_per_token"].item() == pytest.approx(math.log(8), rel=1e-6)
    measured = PriorObjective().evaluate(_Uniform(), [(part, None) for part in tokens.split(2)])
    assert measured == pytest.approx({"loss": math.log(8), "nll_nats_per_token": math.log(8)}, rel=1e-6)


def test_a_class_conditional_prior_reads_the_class_and_is_charged_for_the_tokens_only():
    config = PriorConfig(n_layers=1, n_heads=2, width=8, dropout=0, class_conditional=True)
    model = initialised(lambda: LatticePrior(config, 8, 7, 7, class_counts=[3, 2]), 0, "prior")
    tokens, labels = torch.randint(8, (5, 49), generator=make_generator(0, "tokens")), torch.tensor([0, 1, 1, 0, 0])
    nats = torch.nn.functional.cross_entropy(model(tokens, labels).flatten(end_dim=1), tokens.flatten())
    examples = TokenSet(tokens, labels)
    loss, _ = PriorObjective().loss(model, examples.batch(torch.arange(5)), Draws(make_generator(0, "noise")))
    assert loss.item() == pytest.approx(nats.item(), rel=1e-6)
    measured = PriorObjective().evaluate(model, map(examples.batch, torch.arange(5).split(2)))
    assert measured["loss"] == pytest.approx(nats.item(), rel=1e-6)


def test_dropout_follows_the_generator_and_leaves_the_global_one():
    model = LatticePrior(PriorConfig(n_layers=1, n_heads=2, width=8, dropout=0.5), 8, 7, 7)
    tokens = torch.randint(8, (5, 49), generator=make_generator(0, "tokens"))
    before = torch.get_rng_state()
    first, second, other = (
        PriorObjective().loss(model, (tokens, None), Draws(make_generator(0, name)))[0] for name in ("a", "a", "b")
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
