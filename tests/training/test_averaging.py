import contextlib

import numpy as np
import pytest
import torch
from torch import nn

from geovq.artifacts import read_safetensors
from geovq.training import VAEObjective
from geovq.training.averaging import WeightAverage
from geovq.training.checkpointing import FORMAT, KIND
from tests.training.cases import changed, images, train

DECAY = 0.7


def walk(model, average, n_steps):
    """Random weights at every step, which the average sees; returns them, (n_steps, ...)."""
    steps = []
    for step in range(1, n_steps + 1):
        with torch.no_grad():
            model.weight.copy_(torch.randn(model.weight.shape, generator=torch.Generator().manual_seed(step)))
        average.update(step)
        steps.append(model.weight.detach().clone())
    return torch.stack(steps)


@pytest.mark.parametrize("n_steps", [1, 2, 9])
def test_the_average_is_the_normalised_geometric_one(n_steps):
    model = nn.Linear(3, 2)
    average = WeightAverage(model, DECAY)
    steps = walk(model, average, n_steps).double()
    shares = DECAY ** np.arange(n_steps - 1, -1, -1.0)
    expected = np.average(steps, axis=0, weights=shares)
    np.testing.assert_allclose(average.tensors["weight"], expected, rtol=1e-4, atol=1e-5)


def test_constant_weights_are_their_own_average():
    model = nn.Linear(3, 2)
    average = WeightAverage(model, 0.999)
    for step in range(1, 4):
        average.update(step)
    torch.testing.assert_close(average.tensors["weight"], model.weight)


def test_an_average_that_is_gone_on_with_is_the_same_bits():
    model = nn.Linear(3, 2)
    whole = WeightAverage(model, DECAY)
    walk(model, whole, 5)
    first = WeightAverage(model, DECAY)
    walk(model, first, 2)
    second = WeightAverage(model, DECAY, first.tensors)
    for step in (3, 4, 5):
        with torch.no_grad():
            model.weight.copy_(torch.randn(model.weight.shape, generator=torch.Generator().manual_seed(step)))
        second.update(step)
    assert torch.equal(whole.tensors["weight"], second.tensors["weight"])


def test_a_model_gets_its_own_weights_back_even_after_an_interruption():
    model = nn.Linear(3, 2)
    average = WeightAverage(model, DECAY)
    walk(model, average, 3)
    own = model.weight.detach().clone()
    with average.in_place():
        assert torch.equal(model.weight, average.tensors["weight"])
    assert torch.equal(model.weight, own)
    with contextlib.suppress(KeyboardInterrupt), average.in_place():
        raise KeyboardInterrupt
    assert torch.equal(model.weight, own)


def test_what_is_not_trained_is_not_averaged():
    model = nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    assert list(WeightAverage(model, DECAY).tensors) == ["weight"]


class Watched(VAEObjective):
    """Keeps the weights that each loss was computed with."""

    def __init__(self):
        super().__init__(beta=0.1)
        vars(self).update(seen=[])  # the dataclass is frozen

    def loss(self, model, batch, draws):
        self.seen.append({name: p.detach().clone() for name, p in model.named_parameters()})
        return super().loss(model, batch, draws)


def test_a_fit_ends_with_the_average_of_the_weights_after_each_step(tmp_path):
    objective = Watched()
    config = changed(epochs=1, ema_decay=DECAY)
    model, result = train("vae", tmp_path / "state", config=config, objective=objective)
    last, _ = read_safetensors(tmp_path / "state", KIND, FORMAT)
    shares = torch.tensor([DECAY**2, DECAY, 1.0])
    assert result.steps == len(shares)
    for name, parameter in model.named_parameters():
        steps = torch.stack([seen[name] for seen in objective.seen[1:]] + [last[f"model.{name}"]])
        expected = torch.tensordot(shares / shares.sum(), steps, dims=1)
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-4, atol=1e-5)


def test_validation_measures_the_average(tmp_path):
    objective = VAEObjective(beta=0.1)
    model, result = train("vae", tmp_path / "state", config=changed(ema_decay=DECAY), objective=objective)
    with torch.no_grad():
        measured = objective.evaluate(model, [images(9, "validation").batch(torch.arange(9))])
    assert measured == pytest.approx(result.validation, rel=1e-5)
