import math

import pytest
import torch

from geovq.artifacts import read_safetensors
from geovq.errors import DivergedError
from geovq.training import VAEObjective, loop
from geovq.training.checkpointing import FORMAT, KIND
from geovq.training.divergence import LossWatch
from tests.training.cases import CONFIG, Listener, changed, same_weights, train

DIVERGED = (
    r"vae: the loss became nan after step 2 of 6; lower learning_rate \(now 0\.01\), or set or lower gradient_clip"
)


class Diverging(VAEObjective):
    """The third loss of an epoch is not a number."""

    def loss(self, model, batch, draws):
        loss, parts = super().loss(model, batch, draws)
        return (loss * math.nan if len(batch) == 6 else loss), parts


class Exploding(VAEObjective):
    """The third loss of an epoch is finite, its gradient is not."""

    def loss(self, model, batch, draws):
        loss, parts = super().loss(model, batch, draws)
        if len(batch) == 6:
            weight = model.decoder.layers[0].weight
            loss = loss + (weight - weight.detach()).abs().sum().sqrt()  # the root of 0 has an infinite slope
        return loss, parts


@pytest.fixture
def waiting_for_a_gpu(monkeypatch):
    """Losses are looked at every fourth step, as on a device that computes on its own."""
    monkeypatch.setattr(loop, "_looks_every", lambda device: 4)


def assert_resumable(checkpoint, objective, match):
    tensors, metadata = read_safetensors(checkpoint, KIND, FORMAT)
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    n_done = metadata["state"]["step"]
    listener = Listener()
    with pytest.raises(DivergedError, match=match):
        train("vae", checkpoint, objective=objective, progress=listener)
    assert listener.n_done >= n_done
    return n_done


def test_divergence_names_the_step_and_the_remedy_and_keeps_the_last_good_state(tmp_path):
    with pytest.raises(DivergedError, match=DIVERGED):
        train("vae", tmp_path / "state", objective=Diverging(beta=0.1))
    assert assert_resumable(tmp_path / "state", Diverging(beta=0.1), DIVERGED) == 0


def test_every_state_that_is_saved_on_the_way_to_divergence_is_good(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    with pytest.raises(DivergedError, match=DIVERGED):
        train("vae", tmp_path / "state", objective=Diverging(beta=0.1))
    assert assert_resumable(tmp_path / "state", Diverging(beta=0.1), DIVERGED) == 2


@pytest.mark.usefixtures("waiting_for_a_gpu")
def test_divergence_that_is_seen_late_is_dated_right(tmp_path):
    with pytest.raises(DivergedError, match=DIVERGED):
        train("vae", tmp_path / "state", objective=Diverging(beta=0.1))
    assert assert_resumable(tmp_path / "state", Diverging(beta=0.1), DIVERGED) == 0


def test_weights_that_a_finite_loss_made_infinite_are_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    config, match = changed(epochs=1, gradient_clip=0.0), "the loss became nan after step 3 of 3"
    with pytest.raises(DivergedError, match=match):
        train("vae", tmp_path / "state", objective=Exploding(beta=0.1), config=config)
    tensors, metadata = read_safetensors(tmp_path / "state", KIND, FORMAT)
    assert metadata["state"]["step"] == 2
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())


def test_a_stop_does_not_save_infinite_weights(tmp_path):
    # Asked at step 4, after the third step went wrong; its epoch's validation would have seen it.
    class NoValidation(Exploding):
        def evaluate(self, model, batches):
            return {"loss": 1.0}

    with pytest.raises(
        DivergedError, match="vae: weights became infinite or NaN after step 3 of 6; lower learning_rate"
    ):
        train("vae", tmp_path / "state", objective=NoValidation(beta=0.1))


@pytest.mark.usefixtures("waiting_for_a_gpu")
@pytest.mark.parametrize("stop", [1, 2])
def test_looking_seldom_changes_no_bit(tmp_path, stop):
    late, _ = train("vae", tmp_path / "late")
    _, cancelled = train("vae", tmp_path / "state", progress=Listener(stop_at=(stop,)))
    assert cancelled.steps == 4 * (stop - 1)  # a stop is asked for at each look
    resumed, _ = train("vae", tmp_path / "state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_looks_every", lambda device: 1)
        always, _ = train("vae", tmp_path / "always")
    assert same_weights(late, resumed)
    assert same_weights(late, always)


def test_of_several_unread_losses_the_first_that_is_not_finite_is_named():
    watch = LossWatch("x", CONFIG, 10)
    for n_done, loss in enumerate([1.0, 2.0]):
        watch.add(n_done, torch.tensor(loss))
    assert watch.latest() == 2.0
    assert watch.latest() == 2.0
    for n_done, loss in enumerate([3.0, math.inf, math.nan, 4.0], start=2):
        watch.add(n_done, torch.tensor(loss))
    with pytest.raises(DivergedError, match="x: the loss became inf after step 3 of 10"):
        watch.latest()
