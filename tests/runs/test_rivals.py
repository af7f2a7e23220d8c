"""A run with FSQ and SimVQ, trained end to end: all that follows accepts them as it accepts a VQ-VAE."""

import pytest
import torch

from geovq.config import parse_config
from geovq.errors import ConfigError
from geovq.models import FSQVAE, SimVQVAE, architecture_of
from geovq.models.blocks import ConvDecoder
from geovq.runs import experiment_images, open_run
from geovq.runs.stages.plan import plan
from geovq.runs.worker import work_on_run
from tests.conftest import TINY

RIVALS = ["fsq", "simvq"]
VALUES = {
    **TINY,
    "name": "rivals",
    "codebook": {"n_codes": 16},
    "tokenizers": RIVALS,
    "joint": ["fsq"],
    "search": {"bit_price": 0.01, "n_rounds": 1},
    "refits": ["fsq"],
    "priors": ["fsq"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The finished run, and the means that decoders were told to start at."""
    root, means = tmp_path_factory.mktemp("outputs"), []
    start_at = ConvDecoder.start_at

    def remember(decoder, mean):
        means.append(mean)
        start_at(decoder, mean)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOVQ_OUTPUTS", str(root))
        patch.setattr(ConvDecoder, "start_at", remember)
        work_on_run(parse_config(VALUES), root / "mnist-sample" / "rivals", terminal=False)
    return open_run(root / "mnist-sample" / "rivals"), means


@pytest.fixture
def opened(made):
    return made[0]


def pixels_of(opened, split):
    images = experiment_images(opened.config, split)
    return images.batch(torch.arange(len(images)))


@pytest.mark.slow
def test_each_has_a_model_and_a_codebook_of_its_own(opened):
    assert [type(opened.autoencoder(name)) for name in RIVALS] == [FSQVAE, SimVQVAE]
    assert architecture_of(opened.models["fsq"])["config"]["latent_channels"] == 2  # 4 by 4 levels
    for name in RIVALS:
        assert torch.equal(opened.tokenizers[name].codebook, opened.models[name].codebook)


@pytest.mark.slow
def test_both_start_from_the_mean_pixel_of_the_training_images_and_the_vae_does_not(made):
    opened, means = made
    assert means == [pytest.approx(pixels_of(opened, "train").double().mean().item())] * 2


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("name", RIVALS)
def test_it_has_learned_more_than_the_mean_image(opened, name):
    mean_image = pixels_of(opened, "train").mean(dim=0)
    measured = opened.measurements[name]
    assert measured["mse"] < (pixels_of(opened, "test") - mean_image).square().mean().item()
    assert measured["n_used"] > 2


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("name", RIVALS)
def test_the_stored_tokenizer_finds_the_codes_that_the_model_takes(opened, name):
    pixels, model, tokenizer = pixels_of(opened, "test"), opened.autoencoder(name), opened.tokenizers[name]
    tokens = tokenizer.encode(model.encode(pixels))
    assert torch.equal(tokens, model.quantize(pixels).tokens)
    torch.testing.assert_close(model.decode(tokenizer.decode(tokens)), model(pixels))


@pytest.mark.slow
def test_joint_search_makes_less_error_than_rounding(opened):
    measured = opened.measurements["fsq"]
    assert measured["mse"] < measured["own_rule_mse"]
    assert measured["prior_nll_nats_per_token"] > 0
    assert opened.samples("fsq").images.shape == (9, 28, 28)


@pytest.mark.slow
def test_a_decoder_that_learned_with_its_codes_still_gains_from_a_refit_to_joint_tokens(opened):
    measured = opened.measurements["fsq"]
    assert list(opened.decoders) == ["fsq"]
    assert measured["refit_mse"] < measured["mse"]
    assert "refit_mse" not in opened.measurements["simvq"]


def test_a_number_of_codes_that_no_levels_make_is_one_sentence():
    message = (
        r"codebook\.n_codes must be 16, 60, 240 or 1000 with the fsq tokenizer; got 8, so change it or leave fsq out"
    )
    with pytest.raises(ConfigError, match=message):
        parse_config({**VALUES, "codebook": {"n_codes": 8}})
    without = {"tokenizers": ["simvq"], "joint": [], "refits": [], "priors": []}
    assert parse_config({**VALUES, "codebook": {"n_codes": 8}, **without}).codebook.n_codes == 8


def test_settings_that_a_model_does_not_read_do_not_make_it_anew():
    def settings(**changes):
        changed = parse_config({**VALUES, "vqvae": {**TINY["vqvae"], **changes}})
        return {stage.name: stage.settings for stage in plan(changed)}

    for change in ({"latent_channels": 5}, {"commitment": 1.0}, {"decay": 0.9}):
        assert settings(**change)["fsq"] == settings()["fsq"]
        assert (settings(**change)["simvq"] == settings()["simvq"]) == ("decay" in change)
