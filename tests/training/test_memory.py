"""Memory that runs out, and memory that is kept."""

import platform
import subprocess
import sys

import pytest
import torch

from geovq.errors import DeviceError
from geovq.training import PriorObjective, VAEObjective, VQVAEObjective
from tests.training.cases import N_BATCHES, Listener, assert_close_weights, same_weights, train

NOTE = "cpu has no memory for a batch of 8: each is computed in two halves from here on."


def starved(objective, n_fit, *, evaluating=False):
    """The same objective on a device that has memory for `n_fit` examples; the error comes after the computation."""

    class Starved(type(objective)):
        def loss(self, model, batch, draws):
            loss = super().loss(model, batch, draws)
            _require(_n_examples(batch) <= n_fit)
            return loss

        def evaluate(self, model, batches):
            def checked():
                for batch in batches:
                    _require(not evaluating or _n_examples(batch) <= n_fit)
                    yield batch

            return super().evaluate(model, checked())

    return Starved(**vars(objective))


def _n_examples(batch):
    return len(batch if isinstance(batch, torch.Tensor) else batch[0])


def _require(has_memory):
    if not has_memory:
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize(
    ("case", "objective"),
    [("vae", VAEObjective(beta=0.1)), ("prior without dropout", PriorObjective())],
)
def test_two_halves_make_the_step_of_the_whole_batch(tmp_path, case, objective):
    whole, expected = train(case, tmp_path / "whole")
    listener = Listener()
    halved, result = train(case, tmp_path / "state", objective=starved(objective, 4), progress=listener)
    assert listener.notes == [f"{case}: {NOTE}"]
    assert not same_weights(whole, halved)  # so it was computed in halves
    assert_close_weights(whole, halved)
    assert result.validation == pytest.approx(expected.validation, rel=1e-4)


def test_measurements_of_halves_are_those_of_the_batch(tmp_path):
    whole, halved = Listener(), Listener()
    train("vae", tmp_path / "whole", progress=whole)
    train("vae", tmp_path / "state", objective=starved(VAEObjective(beta=0.1), 4), progress=halved)
    for expected, row in zip(whole.rows, halved.rows, strict=True):
        assert (row["loss"], row["bce_nats"]) == pytest.approx((expected["loss"], expected["bce_nats"]), rel=1e-4)


def test_a_try_that_failed_leaves_no_trace_in_a_codebook(tmp_path):
    model, result = train("vqvae", tmp_path / "state", objective=starved(VQVAEObjective(commitment=0.25), 4))
    assert model.quantizer.n_steps == 2 * result.best_epoch * N_BATCHES  # once for each half


def test_no_memory_for_half_a_batch_ends_the_training_with_the_remedy(tmp_path):
    with pytest.raises(DeviceError, match="cpu has no memory left; lower batch_size or the model's width, or use cpu"):
        train("vae", tmp_path / "state", objective=starved(VAEObjective(beta=0.1), 3))
    assert (tmp_path / "state").exists()


def test_validation_is_halved_too(tmp_path):
    listener = Listener()
    _, expected = train("vae", tmp_path / "whole")
    objective = starved(VAEObjective(beta=0.1), 7, evaluating=True)  # training has batches of 7, validation of 8 and 1
    _, result = train("vae", tmp_path / "state", objective=objective, progress=listener)
    assert listener.notes == [f"vae: {NOTE}"]
    assert result.validation == pytest.approx(expected.validation, rel=1e-4)


_KEEPING = """
import psutil
from geovq.training.memory import freed_memory_kept

def held_mb():
    return psutil.Process().memory_info().rss / 2**20

before = held_mb()
with freed_memory_kept():
    blocks = [bytes([index]) * (16 << 20) for index in range(8)]
    del blocks
    within = held_mb()
print(within - before, held_mb() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="speaks to glibc's malloc")
def test_freed_memory_is_kept_while_training_and_then_given_back():
    # In a process of its own: what earlier tests freed would serve the blocks here.
    done = subprocess.run([sys.executable, "-c", _KEEPING], check=True, capture_output=True, text=True)
    within, after = map(float, done.stdout.split())
    assert within > 100  # MB, of 128
    assert after < 30
