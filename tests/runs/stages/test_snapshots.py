import shutil

import numpy as np
import pytest
import torch

from geovq.config import VAEConfig, parse_config
from geovq.errors import ArtifactError
from geovq.models import LatticeVAE, initialised
from geovq.runs import open_run
from geovq.runs.stages.snapshots import (
    MOST_SNAPSHOTS,
    Snapshot,
    read_snapshot,
    snapshot_epochs,
    snapshot_file,
    snapshots,
)
from geovq.runs.worker import work_on_run
from tests.conftest import TINY
from tests.shapes import TRUNK


@pytest.fixture
def model():
    return initialised(lambda: LatticeVAE(VAEConfig(latent_channels=2, width=4), *TRUNK), 0, "weights").eval()


def test_a_training_leaves_a_snapshot_of_every_epoch(tiny_run):
    for stage in ("vae", "vqvae"):
        assert snapshot_epochs(tiny_run, stage) == (1, 2)
    assert snapshot_epochs(tiny_run, "prior:kmeans") == ()


def test_the_snapshot_of_the_kept_epoch_is_what_the_finished_model_makes(tiny_run):
    run = open_run(tiny_run)
    validation = [row["loss"] for row in run.metrics("vae") if row["split"] == "validation"]
    snapshot = read_snapshot(tiny_run, "vae", int(np.argmin(validation)) + 1)
    images = torch.from_numpy(snapshot.images)[:, None] / 255
    lattices = run.models["vae"].encode(images).detach()
    np.testing.assert_allclose(snapshot.lattices, lattices, atol=2e-3)  # half precision
    decoded = run.models["vae"].decode(lattices).detach().numpy()[:, 0]
    np.testing.assert_allclose(snapshot.decoded / 255, decoded, atol=0.51 / 255)


def test_a_long_training_keeps_a_bounded_number_with_the_first_and_the_last(tmp_path, model):
    n_epochs = 10 * MOST_SNAPSHOTS - 1
    take = snapshots(tmp_path, "vae", model, torch.zeros(1, 1, 28, 28), n_epochs)
    for epoch in range(1, n_epochs + 1):
        take(epoch)
    epochs = snapshot_epochs(tmp_path, "vae")
    assert (epochs[0], epochs[-1]) == (1, n_epochs)
    assert len(epochs) <= MOST_SNAPSHOTS + 2


def test_a_training_that_begins_again_leaves_none_of_the_old_epochs(tmp_path, model):
    take = snapshots(tmp_path, "vae", model, torch.zeros(1, 1, 28, 28), 3)
    for epoch in (1, 2, 3, 1):
        take(epoch)
    assert snapshot_epochs(tmp_path, "vae") == (1,)


def test_other_trainings_of_the_run_are_left_alone(tmp_path, model):
    for stage in ("vqvae-plain", "vqvae"):
        snapshots(tmp_path, stage, model, torch.zeros(1, 1, 28, 28), 3)(1)
    assert snapshot_epochs(tmp_path, "vqvae") == snapshot_epochs(tmp_path, "vqvae-plain") == (1,)


def test_taking_them_changes_no_weight(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path))
    monkeypatch.setattr("geovq.runs.stages.training.snapshots", lambda *_: None)
    work_on_run(parse_config(TINY), tmp_path / "run", terminal=False, target="train-vae")
    assert (tmp_path / "run" / "vae.safetensors").read_bytes() == (tiny_run / "vae.safetensors").read_bytes()


def test_a_damaged_one_is_named(tiny_run, tmp_path):
    file = snapshot_file(tmp_path, "vae", 1)
    file.parent.mkdir()
    shutil.copyfile(snapshot_file(tiny_run, "vae", 1), file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ArtifactError, match=r"vae-00001\.safetensors .*delete it"):
        read_snapshot(tmp_path, "vae", 1)


def test_error_and_strongest_channels():
    images = np.full((2, 28, 28), 255, dtype=np.uint8)
    lattices = np.zeros((2, 3, 7, 7), dtype=np.float32)
    lattices[0, 1], lattices[0, 2] = 1, 3
    snapshot = Snapshot(1, images, np.zeros_like(images), lattices)
    assert snapshot.mse == 1
    assert snapshot.strongest_channels(2) == (2, 1)
