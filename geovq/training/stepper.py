"""One optimiser step and one evaluation pass, on any device and in any precision."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from geovq.artifacts import digest_of
from geovq.config import TrainingConfig
from geovq.errors import DeviceError
from geovq.training.device import resolve_precision
from geovq.training.objective import Objective


class Stepper:
    """A model, its objective and its optimiser on a device.

    Parameters
    ----------
    model : Module
        Moved to `device` in place.
    objective : Objective
    config : TrainingConfig
        Optimiser settings; its schedule is the caller's.
    device : torch.device
    """

    def __init__(self, model: nn.Module, objective: Objective, config: TrainingConfig, device: torch.device) -> None:
        self.model, self.objective, self.config, self.device = model, objective, config, device
        fabric = Fabric(
            accelerator=device.type,
            devices=1 if device.index is None else [device.index],
            precision=resolve_precision(config.precision, device),  # type: ignore[arg-type]  # one of its literals, by the schema
        )
        with _memory_errors(device):
            model.to(device)  # before the optimiser reads the parameters
        self.optimizer = torch.optim.AdamW(_parameter_groups(model, config), lr=config.learning_rate, fused=True)
        self._fabric = fabric
        # The loss as a module: its forward is where fabric switches autocast on.
        self._module, self._wrapped_optimizer = fabric.setup(_Loss(model, objective), self.optimizer)

    def inputs(self) -> dict[str, Any]:
        """What the result depends on here, flat, as JSON values."""
        config = getattr(self.model, "config", None)
        shapes = {name: list(tensor.shape) for name, tensor in self.model.state_dict().items()}
        weights = {f"objective.{name}": value for name, value in asdict(self.objective).items()}  # type: ignore[call-overload]
        settings = {f"model.{name}": value for name, value in (config.model_dump() if config else {}).items()}
        return {
            "model": type(self.model).__name__,
            "parameters": digest_of(shapes)[:12],
            **settings,
            "objective": type(self.objective).__name__,
            **weights,
        }

    def loss(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and its parts in training mode."""
        self.model.train()
        with _memory_errors(self.device):
            loss, parts = self._module(batch.to(self.device), generator)
        return loss, parts

    def descend(self, loss: Tensor, learning_rate: float) -> None:
        """One optimiser step down the gradient of `loss`."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        with _memory_errors(self.device):
            self._fabric.backward(loss)
            if self.config.gradient_clip > 0:
                # A gradient that is not finite shows in the next loss, which is checked with a better message.
                self._fabric.clip_gradients(
                    self._module,
                    self._wrapped_optimizer,
                    max_norm=self.config.gradient_clip,
                    error_if_nonfinite=False,
                )
            self._wrapped_optimizer.step()
            self._wrapped_optimizer.zero_grad()

    @torch.no_grad()
    def evaluate(self, batches: Iterable[Tensor]) -> dict[str, float]:
        """Measurements of the objective in eval mode."""
        self.model.eval()
        with _memory_errors(self.device), self._fabric.autocast():
            return self.objective.evaluate(self.model, (batch.to(self.device) for batch in batches))


class _Loss(nn.Module):
    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective.loss(self.model, batch, generator)


def _parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Weights decay; biases and gains, which have one axis, do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


@contextmanager
def _memory_errors(device: torch.device) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(f"{device} has no memory left; lower batch_size or the model's width, or use cpu.") from error
