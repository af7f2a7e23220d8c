"""Which weights a fit ends with, when it ends early, and that neither depends on interruptions."""

import pytest
import torch

from geovq.artifacts import read_safetensors
from geovq.training import PriorObjective
from geovq.training.checkpointing import FORMAT, KIND
from tests.training.cases import CONFIG, N_BATCHES, Listener, changed, same_weights, train

# The tokens are noise, so there is nothing to learn: every step away from the start makes the validation worse, and a
# falling rate leaves the weights where they are.
OVERFITTING = changed(epochs=6, learning_rate=0.3, patience=2, ema_decay=0.5)


class Judged(PriorObjective):
    """Gives the losses that it is told to, and keeps the weights that it gave them for."""

    def __init__(self, *losses):
        vars(self).update(losses=list(losses), seen=[])  # the dataclass is frozen

    def evaluate(self, model, batches):
        self.seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {"loss": self.losses[len(self.seen) - 1]}


def holds(model, weights):
    return all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_a_fit_ends_with_the_weights_of_its_best_epoch(tmp_path):
    judge = Judged(3.0, 1.0, 2.0)
    model, result = train("prior", tmp_path / "state", config=changed(epochs=3), objective=judge)
    assert holds(model, judge.seen[1])
    assert not holds(model, judge.seen[2])
    assert (result.best_epoch, result.validation, result.epochs) == (2, {"loss": 1.0}, 3)


def test_the_first_of_equally_good_epochs_is_the_best(tmp_path):
    judge = Judged(1.0, 1.0)
    model, result = train("prior", tmp_path / "state", objective=judge)
    assert holds(model, judge.seen[0])
    assert result.best_epoch == 1


def test_the_checkpoint_keeps_the_last_weights_beside_the_best(tmp_path):
    judge = Judged(1.0, 2.0)
    train("prior", tmp_path / "state", objective=judge)
    tensors, _ = read_safetensors(tmp_path / "state", KIND, FORMAT)
    for name in judge.seen[0]:
        assert torch.equal(tensors[f"best.{name}"], judge.seen[0][name])
        assert torch.equal(tensors[f"model.{name}"], judge.seen[1][name])


def test_training_ends_when_patience_does_and_says_so(tmp_path):
    judge, listener = Judged(3.0, 1.0, 2.0, 1.0), Listener()
    config = changed(epochs=6, patience=2)
    model, result = train("prior", tmp_path / "state", config=config, objective=judge, progress=listener)
    assert holds(model, judge.seen[1])
    assert (result.stopped_early, result.cancelled, result.best_epoch, result.epochs) == (True, False, 2, 4)
    assert result.steps == 4 * N_BATCHES
    assert listener.notes == [
        "prior: stopped after epoch 4 of 6, since the validation loss had not improved for 2; the weights of epoch 2 "
        "are kept."
    ]


def test_better_epochs_renew_patience(tmp_path):
    judge, listener = Judged(5.0, 6.0, 4.0, 6.0, 3.0, 6.0), Listener()
    config = changed(epochs=6, patience=2)
    _, result = train("prior", tmp_path / "state", config=config, objective=judge, progress=listener)
    assert (result.stopped_early, result.best_epoch, result.epochs) == (False, 5, 6)
    assert listener.notes == []


def test_patience_that_ends_with_the_training_is_not_an_early_stop(tmp_path):
    judge, listener = Judged(1.0, 2.0), Listener()
    _, result = train("prior", tmp_path / "state", config=changed(patience=1), objective=judge, progress=listener)
    assert (result.stopped_early, result.best_epoch) == (False, 1)
    assert listener.notes == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    listener = Listener()
    model, result = train("prior", tmp_path_factory.mktemp("whole") / "state", config=OVERFITTING, progress=listener)
    assert result.stopped_early
    assert result.best_epoch < result.epochs < OVERFITTING.epochs
    return model, result, listener


def assert_ends_as(whole, model, result):
    expected_model, expected, _ = whole
    assert same_weights(expected_model, model)
    for name in ("steps", "epochs", "validation", "best_epoch", "stopped_early"):
        assert getattr(result, name) == getattr(expected, name)


@pytest.mark.slow
def test_stopped_at_any_step_and_resumed_the_best_weights_are_the_same_bits(tmp_path, whole):
    for stop in range(1, whole[1].steps + 1):
        _, cancelled = train("prior", tmp_path / f"{stop}", config=OVERFITTING, progress=Listener(stop_at=(stop,)))
        assert (cancelled.cancelled, cancelled.stopped_early, cancelled.steps) == (True, False, stop - 1)
        assert_ends_as(whole, *train("prior", tmp_path / f"{stop}", config=OVERFITTING))


@pytest.mark.slow
def test_killed_at_any_validation_and_resumed_the_best_weights_are_the_same_bits(tmp_path, whole):
    class Kill(Listener):
        def record(self, row):
            if (row["split"], row["epoch"]) == ("validation", self.epoch):
                raise KeyboardInterrupt

    for epoch in range(1, whole[1].epochs + 1):
        listener = Kill()
        listener.epoch = epoch
        with pytest.raises(KeyboardInterrupt):
            train("prior", tmp_path / f"{epoch}", config=OVERFITTING, progress=listener)
        assert_ends_as(whole, *train("prior", tmp_path / f"{epoch}", config=OVERFITTING))


def test_resuming_what_ended_early_trains_no_further(tmp_path, whole):
    train("prior", tmp_path / "state", config=OVERFITTING)
    listener = Listener()
    assert_ends_as(whole, *train("prior", tmp_path / "state", config=OVERFITTING, progress=listener))
    assert (listener.rows, listener.n_done) == ([], whole[1].steps)
    assert listener.notes == whole[2].notes


@pytest.mark.parametrize("case", ["vae", "vqvae"])
def test_averaged_weights_are_resumed_exactly(tmp_path, case):
    config = changed(ema_decay=0.9)
    expected, _ = train(case, tmp_path / "whole", config=config)
    plain, _ = train(case, tmp_path / "plain", config=CONFIG)
    train(case, tmp_path / "state", config=config, progress=Listener(stop_at=(5,)))
    resumed, _ = train(case, tmp_path / "state", config=config)
    assert same_weights(expected, resumed)
    assert not same_weights(expected, plain)
