"""A run with both VQ-VAEs and nothing else: each has an autoencoder, a tokenizer and a prior of its own."""

import pytest
import torch

from geovq.config import parse_config
from geovq.errors import ConfigError
from geovq.models import LatticeVQVAE, PlainVQVAE
from geovq.runs import experiment_images, open_run
from geovq.runs.stages.plan import TARGETS, plan, with_needs
from geovq.runs.worker import work_on_run
from tests.conftest import TINY

BOTH = ["vqvae", "vqvae-plain"]
VALUES = {**TINY, "name": "plain", "tokenizers": BOTH, "refits": [], "priors": ["vqvae-plain"]}


@pytest.fixture(scope="module")
def config():
    return parse_config(VALUES)


@pytest.fixture(scope="module")
def opened(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOVQ_OUTPUTS", str(root))
        work_on_run(config, root / "mnist-sample" / "plain", terminal=False)
    return open_run(root / "mnist-sample" / "plain")


def test_each_has_a_model_of_its_own(opened):
    assert type(opened.autoencoder("vqvae")) is LatticeVQVAE
    assert type(opened.autoencoder("vqvae-plain")) is PlainVQVAE
    for name in BOTH:
        assert torch.equal(opened.tokenizers[name].codebook, opened.models[name].codebook)
        assert opened.tokenizers[name].method == name


@torch.no_grad()
@pytest.mark.parametrize("name", BOTH)
def test_usage_is_counted_over_the_held_out_images(opened, name):
    images = experiment_images(opened.config, "test")
    model = opened.autoencoder(name)
    tokens = model.quantizer.encode(model.encode(images.batch(torch.arange(len(images)))))
    measured = opened.measurements[name]
    assert (measured["split"], measured["n_images"]) == ("test", 100)
    assert measured["n_used"] == len(tokens.unique())


def test_curves_samples_and_measurements_of_the_plain_one(opened):
    rows = [row for row in opened.metrics("vqvae-plain") if row["split"] == "validation"]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {"bce_nats", "commitment", "codes_used"} <= set(rows[0])
    assert opened.samples("vqvae-plain").images.shape == (9, 28, 28)
    assert opened.measurements["vqvae-plain"]["prior_nll_nats_per_token"] > 0


def test_one_target_trains_both(config):
    stages = with_needs(plan(config), lambda stage: TARGETS["train-vqvae"](stage.name))
    assert [stage.name for stage in stages] == BOTH


def test_rates_of_the_moving_averages_do_not_reach_the_plain_one(config):
    def settings(**changes):
        changed = parse_config({**VALUES, "vqvae": {**TINY["vqvae"], **changes}})
        return {stage.name: stage.settings for stage in plan(changed)}

    for rate in ({"decay": 0.9}, {"restart_below": 0.5}):
        assert settings(**rate)["vqvae"] != settings()["vqvae"]
        assert settings(**rate)["vqvae-plain"] == settings()["vqvae-plain"]
    assert settings(commitment=1.0)["vqvae-plain"] != settings()["vqvae-plain"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizers": ["vqvae_plain"]}, "tokenizers.0 must be .*'vqvae-plain', 'fsq' or 'simvq'; got 'vqvae_plain'"),
        ({"refits": ["vqvae_plain"]}, "refits.0 must be .*'vqvae-plain', 'fsq' or 'simvq'; got 'vqvae_plain'"),
        ({"tokenizers": ["vqvae"]}, "priors must be among the tokenizers; vqvae-plain is not in vqvae"),
    ],
)
def test_names_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        parse_config({**VALUES, **changes})
