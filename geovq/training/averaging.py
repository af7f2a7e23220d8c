"""A moving average of the weights, which is often better than the last weights.

Source: Polyak, Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging"; exponential form and bias
correction as in Kingma, Ba (2015), "Adam".
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a model's trainable parameters, corrected for its start.

    After t steps the weights of step i count decay^(t - i), normalised to one: after the first step the average is the
    weights themselves. Buffers are not averaged; they are counters, or averages already.

    Parameters
    ----------
    model : Module
        Read where it is; the average lives on the same device.
    decay : float
        In (0, 1); the average looks back over about 1 / (1 - decay) steps.
    tensors : mapping of str to Tensor, optional
        An average to go on with, by name of the parameter.
    """

    def __init__(self, model: nn.Module, decay: float, tensors: Mapping[str, Tensor] | None = None) -> None:
        self.decay = decay
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.tensors = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        for name, tensor in (tensors or {}).items():
            self.tensors[name].copy_(tensor)

    @torch.no_grad()
    def update(self, n_steps: int) -> None:
        """Take in the weights after `n_steps` steps, counted from 1."""
        newest = (1 - self.decay) / (1 - self.decay**n_steps)
        torch._foreach_lerp_(list(self.tensors.values()), list(self._parameters.values()), newest)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the average as its weights while the block runs, and then its own again, bit for bit."""
        own = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._write(self.tensors)
        try:
            yield
        finally:
            self._write(own)

    @torch.no_grad()
    def _write(self, tensors: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(tensors[name])
