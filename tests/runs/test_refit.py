"""A refitted decoder in a run: better pictures from the same tokens, and nothing else has changed."""

import hashlib
import shutil

import pytest
import torch
from torch.nn import functional as F

from geovq.config import parse_config
from geovq.errors import ArtifactError, ConfigError
from geovq.models import LatticeDecoder
from geovq.runs import experiment_images, open_run
from geovq.runs.pipeline import make_run
from geovq.runs.process.run_progress import RunProgress
from geovq.runs.stages.plan import plan
from tests.conftest import TINY

NAME = "riemannian"
UNTOUCHED = ("vae.safetensors", "geometry.safetensors", "tokenizers", "tokens", "priors", "samples")


@pytest.fixture
def opened(tiny_run):
    return open_run(tiny_run)


@torch.no_grad()
def decoded(run, decoder):
    """Test images, and what a decoder makes of their tokens."""
    images = experiment_images(run.config, "test")
    tokens = torch.from_numpy(run.tokens(NAME, "test"))
    return images.batch(torch.arange(len(images))), decoder.decode(run.tokenizers[NAME].decode(tokens))


def digests(path):
    files = [
        file for name in UNTOUCHED for file in ((path / name).rglob("*") if (path / name).is_dir() else [path / name])
    ]
    return {
        file.relative_to(path): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in files
    }


def test_refitting_leaves_encoder_codebook_and_tokens_as_they_are_to_the_byte(run, tiny_config):
    shutil.rmtree(run / "decoders")
    before = digests(run)
    done = make_run(tiny_config, run, RunProgress(run, terminal=False))
    assert done == [f"refit:{NAME}"]
    assert (run / "decoders" / f"{NAME}.safetensors").is_file()
    assert digests(run) == before


def test_the_refitted_decoder_makes_less_error_from_the_same_tokens(opened):
    images, as_trained = decoded(opened, opened.autoencoder(NAME))
    _, refitted = decoded(opened, opened.decoders[NAME])
    before, after = F.mse_loss(as_trained, images).item(), F.mse_loss(refitted, images).item()
    assert after < 0.9 * before  # the VAE of this run has hardly learned to draw; a trained one gains a quarter
    measured = opened.measurements[NAME]
    assert (measured["mse"], measured["refit_mse"]) == pytest.approx((before, after), rel=1e-4)
    assert measured["refit_bce_nats_per_image"] < measured["bce_nats_per_image"]
    assert measured["refit_ssim"] > measured["ssim"]


def test_both_decoders_are_kept_under_names_of_their_own(opened):
    assert list(opened.decoders) == [NAME]
    assert type(opened.decoders[NAME]) is LatticeDecoder
    assert not opened.decoders[NAME].training
    own, refitted = opened.models["vae"].decoder.state_dict(), opened.decoders[NAME].decoder.state_dict()
    assert list(own) == list(refitted)
    assert not any(torch.equal(own[name], refitted[name]) for name in own)
    with pytest.raises(ArtifactError, match=r"has no refitted decoder 'kmeans'; it has riemannian\."):
        opened.decoders["kmeans"]


def test_the_description_length_counts_the_images_of_each_decoder(opened):
    measured = opened.measurements[NAME]
    for prefix in ("", "refit_"):
        nats = measured[f"{prefix}bce_nats_per_image"] + measured["prior_nats_per_image"]
        assert measured[f"{prefix}description_length_nats"] == pytest.approx(nats)
    assert not {"refit_n_images", "refit_distortion"} & set(measured)
    assert not any(key.startswith("refit_") for key in opened.measurements["kmeans"])


def test_the_number_of_steps_does_not_depend_on_the_number_of_images(opened):
    steps = [row["step"] for row in opened.metrics(f"refit:{NAME}") if row["split"] == "train"]
    assert steps == list(range(1, TINY["refit"]["n_steps"] + 1))


def test_a_changed_refit_redoes_it_and_its_measurements_only(run):
    other = parse_config({**TINY, "refit": {**TINY["refit"], "n_steps": 3}})
    assert make_run(other, run, RunProgress(run, terminal=False)) == [f"refit:{NAME}", f"evaluation:{NAME}"]


@pytest.mark.parametrize(
    ("refits", "message"),
    [
        (
            ["prototype"],
            "refits must be among the tokenizers; prototype is not in kmeans, euclidean, riemannian, vqvae",
        ),
        (["kmeans", "kmeans"], "refits must not repeat a name; got kmeans, kmeans"),
        (["spline"], r"refits\.0 must be 'kmeans', .* 'fsq' or 'simvq'; got 'spline'"),
    ],
)
def test_refits_that_cannot_be_made_are_refused(refits, message):
    with pytest.raises(ConfigError, match=message):
        parse_config({**TINY, "refits": refits})


def test_a_run_without_refits_has_no_such_stage():
    config = parse_config({**TINY, "refits": []})
    assert not any(stage.name.startswith("refit:") for stage in plan(config))
