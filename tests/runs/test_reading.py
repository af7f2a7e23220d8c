import shutil

import numpy as np
import pytest
import torch

import geovq
from geovq.errors import ArtifactError, ConfigError
from geovq.models import LatticePrior, LatticeVAE, LatticeVQVAE
from geovq.runs import experiment_images, images_of_geometry, open_run
from geovq.runs.layout import SHIPPED_ROOT
from geovq.runs.metrics import append_metrics, without_repetitions


@pytest.fixture(scope="module")
def opened(tiny_run):
    return open_run(tiny_run)


def test_a_run_is_what_its_config_says(opened, tiny_config, tiny_run):
    assert (opened.path, opened.id, opened.seed) == (tiny_run, "mnist-sample/tiny", 0)
    assert opened.config == tiny_config
    assert geovq.open_run(str(tiny_run)).config == tiny_config


def test_the_shapes_are_those_that_encoder_and_decoder_have(opened):
    model = opened.models["vae"]
    lattices = model.encode(torch.zeros(2, *opened.image_shape))
    assert lattices.shape == (2, *opened.lattice_shape)
    assert model.decode(lattices).shape == (2, *opened.image_shape)
    assert experiment_images(opened.config, "test").images.shape[1:] == opened.image_shape


def test_every_part_is_there_by_name(opened):
    assert {name: type(model) for name, model in opened.models.items()} == {"vae": LatticeVAE, "vqvae": LatticeVQVAE}
    assert {name: tokenizer.method for name, tokenizer in opened.tokenizers.items()} == {
        name: name for name in ("kmeans", "euclidean", "riemannian", "vqvae")
    }
    assert {name: type(prior) for name, prior in opened.priors.items()} == dict.fromkeys(
        ("kmeans", "riemannian"), LatticePrior
    )
    assert list(opened.measurements) == ["vae", "kmeans", "euclidean", "riemannian", "vqvae"]
    assert not any(model.training for model in [*opened.models.values(), *opened.priors.values()])


def test_parts_are_loaded_once(opened):
    assert opened.models["vae"] is opened.autoencoder("riemannian")
    assert opened.models["vqvae"] is opened.autoencoder("vqvae")
    assert opened.tokenizers["kmeans"] is opened.tokenizers["kmeans"]


@torch.no_grad()
@pytest.mark.parametrize("name", ["kmeans", "euclidean", "riemannian", "vqvae"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_tokens_are_those_of_the_images_in_their_order(opened, name, split):
    images = experiment_images(opened.config, split)
    lattices = opened.autoencoder(name).encode(images.batch(torch.arange(len(images))))
    expected = opened.tokenizers[name].encode(lattices).numpy()
    # Batches of another size round differently, which moves a cell that lies on a border.
    assert (opened.tokens(name, split) != expected).mean() < 1e-3


@torch.no_grad()
def test_samples_are_the_decoded_tokens(opened):
    samples = opened.samples("riemannian")
    lattices = opened.tokenizers["riemannian"].decode(torch.from_numpy(samples.tokens))
    images = opened.autoencoder("riemannian").decode(lattices).squeeze(1) * 255
    assert samples.images.shape == (9, 28, 28)
    np.testing.assert_allclose(samples.images, images.numpy(), atol=0.51)  # rounded to whole numbers


def test_the_geometry_is_that_of_the_tokenizer(opened):
    geometry = opened.geometry()
    torch.testing.assert_close(geometry.metrics, opened.tokenizers["riemannian"].metrics, rtol=0, atol=0)


@torch.no_grad()
@pytest.mark.parametrize("name", ["tiny", "demo"])  # a file that names its images, and a shipped one that does not
def test_the_images_of_the_geometry_are_those_that_encode_to_its_lattices(opened, name):
    run = opened if name == "tiny" else open_run(SHIPPED_ROOT / name)
    sample, images = run.geometry().sample, experiment_images(run.config, "train")
    assert (sample.image_indices is None) == (name == "demo")
    indices = images_of_geometry(run.config, len(images), sample)
    some = torch.linspace(0, len(indices) - 1, 8).long()
    # Shipped weights are rounded to half precision after the lattices were made.
    torch.testing.assert_close(
        run.autoencoder("riemannian").encode(images.batch(indices[some])), sample.lattices[some], rtol=0.02, atol=0.02
    )


def test_measurements_hold_together(opened):
    for name in ("kmeans", "riemannian"):
        measured = opened.measurements[name]
        assert measured["n_images"] == 100
        assert measured["split"] == "test"
        assert 0 < measured["entropy_bits"] <= 3  # 8 codes
        nats = measured["bce_nats_per_image"] + measured["prior_nats_per_image"]
        assert measured["description_length_nats"] == pytest.approx(nats)
    assert "prior_bits_per_image" not in opened.measurements["euclidean"]


def test_curves_can_be_read_by_stage(opened):
    steps = [row["step"] for row in opened.metrics("vae") if row["split"] == "train"]
    assert steps == list(range(1, 49))  # 380 images in 24 batches, twice
    assert {row["stage"] for row in opened.metrics()} == {
        *("vae", "vqvae", "refit:riemannian"),
        *("prior:kmeans", "prior:riemannian"),
    }


def test_the_fingerprint_changes_with_any_artifact_and_with_nothing_else(opened, run):
    append_metrics(run, {"stage": "vae"})
    assert open_run(run).fingerprint == opened.fingerprint
    manifest = opened.manifest.without_stage("samples:kmeans")
    assert geovq.Run(run, opened.config, manifest).fingerprint != opened.fingerprint


def test_a_part_that_the_run_does_not_have_is_named_with_those_it_has(opened):
    with pytest.raises(ArtifactError, match=r"^mnist-sample/tiny has no prior 'vqvae'; it has kmeans, riemannian\.$"):
        opened.priors["vqvae"]
    with pytest.raises(KeyError):
        opened.tokenizers["prototype"]
    with pytest.raises(ArtifactError, match=r"has no samples/vqvae\.npz yet; `python -m geovq run "):
        opened.samples("vqvae")


def test_a_run_that_has_only_its_settings_opens_empty(run):
    (run / "manifest.json").unlink()
    empty = open_run(run)
    assert [len(parts) for parts in (empty.models, empty.tokenizers, empty.priors, empty.measurements)] == [0, 0, 0, 0]
    with pytest.raises(ArtifactError, match=rf"it has none yet, and `python -m geovq run {run}` makes those that its"):
        empty.priors["riemannian"]


PARTS = {
    "vae.safetensors": lambda run: run.models["vae"],
    "geometry.safetensors": lambda run: run.geometry(),
    "tokenizers/riemannian.safetensors": lambda run: run.tokenizers["riemannian"],
    "tokens/kmeans.npz": lambda run: run.tokens("kmeans", "test"),
    "decoders/riemannian.safetensors": lambda run: run.decoders["riemannian"],
    "priors/kmeans.safetensors": lambda run: run.priors["kmeans"],
    "samples/kmeans.npz": lambda run: run.samples("kmeans"),
    "evaluation/vae.json": lambda run: run.measurements["vae"],
}


@pytest.mark.parametrize("read", [*PARTS.values(), lambda run: run.verify()])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_missing_or_damaged_file_is_named_with_the_command_that_makes_it_again(run, read, damage):
    for file in PARTS:
        if damage == "missing":
            (run / file).unlink()
        else:
            (run / file).write_bytes((run / file).read_bytes() + b" ")
    with pytest.raises(ArtifactError, match=rf"{run}/\S+ is {damage}.*; `python -m geovq run {run}` makes it again\.$"):
        read(open_run(run))


def test_a_damaged_file_of_a_shipped_run_is_restored_from_git(run, monkeypatch):
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", run.parent)
    (run / "vae.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"is damaged .*; `git checkout .*/tiny/vae\.safetensors` restores it\.$"):
        open_run(run).autoencoder("kmeans")


def test_commands_in_messages_survive_a_shell(run):
    moved = run.with_name("it's mine")
    shutil.move(run, moved)
    (moved / "vae.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"""`python -m geovq run '[^`]*it'"'"'s mine'`"""):
        open_run(moved).verify()


def test_what_is_no_run_is_said_so(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            ArtifactError, match=r"holds no run \(it has no config\.yaml\); `python -m geovq runs` lists"
        ):
            open_run(path)


def test_settings_of_another_version_are_named(run):
    with (run / "config.yaml").open("a") as file:
        file.write("vea: {}\n")
    with pytest.raises(ConfigError, match=r"config\.yaml: vea is not a setting; did you mean vae"):
        open_run(run)


def rows(*places, stage="vae"):
    return [{"stage": stage, "split": split, "step": step} for split, step in places]


def test_rows_that_a_resumed_training_repeats_count_once():
    first = rows(("train", 1), ("train", 2), ("validation", 2), ("train", 3))
    for checkpoint in range(4):
        again = [row for row in first if row["step"] > checkpoint] + rows(("train", 4), ("validation", 4))
        assert without_repetitions(first + again) == first + rows(("train", 4), ("validation", 4))


def test_a_stage_that_was_made_again_after_others_has_one_curve():
    old, between, new = rows(("train", 1), ("train", 2)), rows(("train", 1), stage="prior"), rows(("train", 1))
    assert without_repetitions(old + between + new) == between + new


def test_rows_without_a_step_are_kept():
    kept = [{"stage": "vae"}, {"note": 1}, {"stage": "vae"}]
    assert without_repetitions(kept) == kept
