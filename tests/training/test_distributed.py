"""Several processes that share every batch train what one process trains."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from geovq.errors import ArtifactError, InvalidValueError
from geovq.models import ema_quantizer
from geovq.training import processes, stepper
from geovq.training.distributed import Alone
from tests.training.cases import Listener, changed, train

SHARED = ["vae", "vqvae", "vqvae-plain", "fsq", "simvq", "prior without dropout"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What each of two processes of one torchrun found, by case."""
    folder = tmp_path_factory.mktemp("together")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, "-m", "tests.training.trained_together", folder],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return {case: [torch.load(folder / f"{case} {rank}", weights_only=True) for rank in range(2)] for case in SHARED}


@pytest.mark.slow
@pytest.mark.parametrize("case", SHARED)
def test_two_processes_train_what_one_does(tmp_path, outcomes, case, monkeypatch):
    monkeypatch.setattr(ema_quantizer, "N_WARM_UP_STEPS", 2)
    model, result = train(case, tmp_path / "state")
    together, _ = outcomes[case]
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(together["weights"][name], tensor, rtol=1e-4, atol=1e-5)
    assert together["validation"] == pytest.approx(result.validation, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", SHARED)
def test_all_processes_end_with_the_same_bits(outcomes, case):
    first, second = outcomes[case]
    assert all(torch.equal(first["weights"][name], second["weights"][name]) for name in first["weights"])
    assert first["validation"] == second["validation"]


@pytest.mark.slow
@pytest.mark.parametrize("case", SHARED)
def test_one_process_is_asked_to_stop_and_all_do(outcomes, case):
    assert [outcome["stopped_at"] for outcome in outcomes[case]] == [4, 4]


@pytest.mark.slow
@pytest.mark.parametrize("case", SHARED)
def test_only_the_main_process_reports_and_for_all(tmp_path, outcomes, case, monkeypatch):
    monkeypatch.setattr(ema_quantizer, "N_WARM_UP_STEPS", 2)
    alone = Listener()
    train(case, tmp_path / "state", progress=alone)
    main, other = outcomes[case]
    assert (other["rows"], other["n_notified"]) == ([], 0)
    for row, expected in zip(main["rows"], alone.rows, strict=True):
        assert (row["step"], row["split"]) == (expected["step"], expected["split"])
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-4)


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")  # other launchers set it for programs of their own
    assert isinstance(processes(), Alone)


class Pair(Alone):
    """The main one of two processes that never hears of the other."""

    size = 2

    def __init__(self, other_step=0):
        self.other_step = other_step

    def gathered(self, value):
        return [value, self.other_step]


@pytest.fixture
def paired(monkeypatch):
    """A group in which nobody else answers, so nothing may be sent to it."""
    monkeypatch.setattr(stepper, "_fabric", lambda device, precision, processes: Fabric(accelerator="cpu", devices=1))


@pytest.mark.usefixtures("paired")
def test_a_batch_too_small_to_share_is_refused(tmp_path):
    with pytest.raises(
        InvalidValueError, match="vae: 2 processes cannot share a batch of 1; raise batch_size or start"
    ):
        train("vae", tmp_path / "state", config=changed(batch_size=1), processes=Pair())


@pytest.mark.usefixtures("paired")
def test_processes_that_read_different_checkpoints_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="state is at step 0 and 3 for the processes that share this training; put"):
        train("vae", tmp_path / "state", processes=Pair(other_step=3))
    assert not (tmp_path / "state").exists()
