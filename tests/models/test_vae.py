import pytest
import torch
from torch.distributions import Normal, kl_divergence

from geovq.config import VAEConfig
from geovq.models import LatticeVAE, Posterior, initialised
from geovq.models.vae import MAX_LOGVAR, MIN_LOGVAR
from geovq.randomness import make_generator
from tests.shapes import TRUNK

pytestmark = pytest.mark.smoke

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def vae():
    return initialised(lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *TRUNK), seed=0, stream="test")


@pytest.fixture
def images():
    return torch.rand(5, 1, 28, 28, generator=make_generator(0, "images"))


def random_posterior():
    generator = make_generator(1, "posterior")
    return Posterior(torch.randn(2, 3, 7, 7, generator=generator), torch.randn(2, 3, 7, 7, generator=generator))


def test_kl_is_that_of_torch_distributions():
    posterior = random_posterior()
    reference = kl_divergence(Normal(posterior.mean, (posterior.logvar / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(posterior.kl_nats(), reference, **FLOAT32)


def test_samples_have_the_posterior_moments():
    mean, logvar = torch.full((1, 1, 400, 400), 2.0), torch.full((1, 1, 400, 400), -1.0)
    sample = Posterior(mean, logvar).sample(torch.randn(mean.shape, generator=make_generator(0, "noise")))
    # 160,000 draws: five standard errors.
    assert sample.mean().item() == pytest.approx(2.0, abs=5 * 0.61 / 400)
    assert sample.var().item() == pytest.approx(0.3679, abs=5 * 0.3679 * 2**0.5 / 400)


def test_a_sample_lies_as_many_standard_deviations_from_the_mean_as_the_noise_says():
    posterior = random_posterior()
    assert torch.equal(posterior.sample(torch.zeros_like(posterior.mean)), posterior.mean)
    reference = Normal(posterior.mean, (posterior.logvar / 2).exp())
    noise = torch.full_like(posterior.mean, 1.5)
    torch.testing.assert_close(reference.cdf(posterior.sample(noise)), Normal(0.0, 1.0).cdf(noise), **FLOAT32)


def test_shapes(vae, images):
    posterior = vae.posterior(images)
    assert posterior.mean.shape == posterior.logvar.shape == (5, 3, 7, 7)
    assert torch.equal(vae.encode(images), posterior.mean)
    assert vae.decode_logits(posterior.mean).shape == (5, 1, 28, 28)
    torch.testing.assert_close(vae.decode(posterior.mean), vae.decode_logits(posterior.mean).sigmoid())
    assert torch.equal(vae(images), vae.decode(vae.encode(images)))


def test_logvar_stays_in_its_range_whatever_the_weights(vae, images):
    with torch.no_grad():
        vae.encoder.layers[-1].weight.mul_(1e4)
    logvar = vae.posterior(images).logvar
    assert logvar.min().item() == MIN_LOGVAR
    assert logvar.max().item() == MAX_LOGVAR
