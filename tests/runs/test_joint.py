"""A run whose tokens are chosen together: less error plus price of bits, and all that follows is made from them."""

import shutil

import numpy as np
import pytest
import torch

from geovq.config import dump_config, parse_config
from geovq.errors import ConfigError
from geovq.runs import experiment_images, open_run
from geovq.runs.pipeline import make_run
from geovq.runs.process.run_progress import RunProgress
from tests.conftest import TINY

NAME = "kmeans"
SEARCH = {"joint": [NAME], "search": {"bit_price": 0.01, "n_rounds": 1}}


@pytest.fixture(scope="module")
def opened(tiny_run, tmp_path_factory):
    config = parse_config(TINY | SEARCH)
    path = shutil.copytree(tiny_run, tmp_path_factory.mktemp("joint") / "run")
    made = make_run(config, path, RunProgress(path, terminal=False))
    assert made == ["tokens:kmeans", "prior:kmeans", "samples:kmeans", "evaluation:kmeans"]
    (path / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return open_run(path)


@pytest.mark.slow
@torch.no_grad()
def test_tokens_cost_less_than_those_of_the_own_rule(opened):
    images = experiment_images(opened.config, "test")
    pixels = images.batch(torch.arange(len(images)))
    model, tokenizer = opened.models["vae"], opened.tokenizers[NAME]
    joint, own = torch.from_numpy(opened.tokens(NAME, "test")), tokenizer.encode(model.encode(pixels))
    assert (joint != own).any()

    def squared_error(tokens):
        return float((model.decode(tokenizer.decode(tokens)) - pixels).square().sum() / len(pixels))

    assert squared_error(joint) < squared_error(own)


@pytest.mark.slow
def test_both_rules_are_measured(opened):
    measured = opened.measurements[NAME]
    assert measured["mse"] < measured["own_rule_mse"]
    assert "own_rule_mse" not in opened.measurements["riemannian"]


@pytest.mark.slow
def test_tokens_that_were_lost_are_made_again_with_the_same_bytes(opened, tmp_path):
    path = shutil.copytree(opened.path, tmp_path / "run")
    (path / "tokens" / f"{NAME}.npz").unlink()
    make_run(
        opened.config,
        path,
        progress=RunProgress(path, terminal=False),
        wanted=lambda stage: stage.name == f"tokens:{NAME}",
    )
    np.testing.assert_array_equal(open_run(path).tokens(NAME, "test"), opened.tokens(NAME, "test"))


def test_joint_names_must_be_tokenizers_of_the_run():
    with pytest.raises(ConfigError, match="joint must be among the tokenizers; vqvae-plain is not in"):
        parse_config(TINY | {"joint": ["vqvae-plain"]})
