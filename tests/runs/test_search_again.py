"""Tokens that are chosen once more, for the decoder that was refitted to the first ones."""

import shutil

import numpy as np
import pytest
import torch

from geovq.config import dump_config, parse_config
from geovq.runs import experiment_images, open_run
from geovq.runs.carry_over import reusable
from geovq.runs.pipeline import make_run
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.remeasuring import largest_difference, remeasure
from geovq.runs.shipping import ship
from geovq.runs.stages.plan import plan
from tests.conftest import TINY

NAME = "riemannian"
JOINT = {"joint": [NAME], "search": {"bit_price": 0.01, "n_rounds": 1}}
AGAIN = {"joint": [NAME], "search": {"bit_price": 0.01, "n_rounds": 1, "with_refit": True}}


@pytest.fixture(scope="module")
def opened(tiny_run, tmp_path_factory):
    config = parse_config(TINY | AGAIN)
    path = shutil.copytree(tiny_run, tmp_path_factory.mktemp("again") / "run")
    made = make_run(config, path, RunProgress(path, terminal=False))
    kinds = ("tokens-before-refit", "refit", "tokens", "prior", "samples", "evaluation")
    assert made == [f"{kind}:{NAME}" for kind in kinds]
    (path / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return open_run(path)


def tokens_before(path, split):
    with np.load(path / "tokens" / f"{NAME}.before-refit.npz") as arrays:
        return torch.from_numpy(arrays[split].astype(np.int64))


@pytest.mark.slow
@torch.no_grad()
def test_each_number_is_of_the_tokens_that_it_names(opened):
    images = experiment_images(opened.config, "test")
    pixels = images.batch(torch.arange(len(images)))
    tokenizer, measured = opened.tokenizers[NAME], opened.measurements[NAME]
    before, after = tokens_before(opened.path, "test"), torch.from_numpy(opened.tokens(NAME, "test"))

    def mse(decoder, tokens):
        return float((decoder.decode(tokenizer.decode(tokens)) - pixels).square().mean())

    own, refitted = opened.models["vae"], opened.decoders[NAME]
    assert measured["before_refit_mse"] == pytest.approx(mse(own, before), rel=1e-4)
    assert measured["mse"] == pytest.approx(mse(own, after), rel=1e-4)
    assert measured["refit_mse"] == pytest.approx(mse(refitted, after), rel=1e-4)
    assert measured["refit_mse"] < mse(refitted, before) < measured["before_refit_mse"]


@pytest.mark.slow
def test_the_decoder_learns_from_the_tokens_that_a_run_without_a_second_search_has(opened, tiny_run, tmp_path):
    path = shutil.copytree(tiny_run, tmp_path / "once")
    config = parse_config(TINY | JOINT)
    make_run(config, path, RunProgress(path, terminal=False), wanted=lambda stage: stage.name == f"refit:{NAME}")
    with np.load(path / "tokens" / f"{NAME}.npz") as arrays:
        np.testing.assert_array_equal(arrays["train"], tokens_before(opened.path, "train"))
    decoder = path / "decoders" / f"{NAME}.safetensors"
    assert decoder.read_bytes() == (opened.path / "decoders" / f"{NAME}.safetensors").read_bytes()


@pytest.mark.slow
def test_a_shipped_copy_has_both_tokens_of_the_held_out_images_and_says_the_same(opened, tmp_path):
    copy = ship(opened, tmp_path / "copy")
    assert len(tokens_before(copy.path, "test")) == copy.config.evaluation.n_images
    with np.load(copy.path / "tokens" / f"{NAME}.before-refit.npz") as arrays:
        assert list(arrays) == ["test"]
    assert largest_difference(copy, remeasure(copy)) < 1e-3
    kept = reusable(copy, opened.config).stages
    assert f"tokenizer:{NAME}" in kept
    assert f"tokens-before-refit:{NAME}" not in kept


@pytest.mark.parametrize("changes", [{}, {"joint": [NAME], "refits": []}, {"joint": ["kmeans"]}])
def test_a_second_search_needs_joint_tokens_and_a_refit(changes):
    once, again = parse_config(TINY | changes), parse_config(TINY | changes | {"search": {"with_refit": True}})
    stages = [(stage.name, stage.needs, stage.settings) for stage in plan(once)]
    assert [(stage.name, stage.needs, stage.settings) for stage in plan(again)] == stages
