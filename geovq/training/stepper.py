"""One optimiser step and one evaluation pass: on any device, in any precision, by any number of processes."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from geovq.artifacts import digest_of
from geovq.config import TrainingConfig
from geovq.errors import DeviceError
from geovq.training.device import resolve_precision
from geovq.training.distributed import Processes, local_size
from geovq.training.draws import Draws, shares
from geovq.training.objective import Batch, Examples, Objective

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")
LossOf = Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]]
Rows = Callable[[slice], tuple[Batch, Draws]]  # some rows of a step's batch, with their random numbers


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
    processes : Processes
        Each computes its share of every batch.
    note : callable
        Told, in a sentence, if memory runs out and batches are halved.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        config: TrainingConfig,
        device: torch.device,
        processes: Processes,
        note: Callable[[str], None],
    ) -> None:
        self.model, self.objective, self.config, self.device = model, objective, config, device
        self.processes, self.note = processes, note
        self.n_parts = 1  # in which a batch is computed, one after the other
        with _memory_errors(device):
            model.to(device)  # before the optimiser reads the parameters
        self.optimizer = torch.optim.AdamW(_parameter_groups(model, config), lr=config.learning_rate, fused=True)
        self._fabric = _fabric(device, resolve_precision(config.precision, device), processes)
        # The loss as a module: its forward is where fabric switches autocast on and averages gradients.
        self._module, self._wrapped_optimizer = self._fabric.setup(_Loss(model), self.optimizer)

    def inputs(self) -> dict[str, Any]:
        """What the result depends on here, flat, as JSON values."""
        config = getattr(self.model, "config", None)
        shapes = {name: list(tensor.shape) for name, tensor in self.model.state_dict().items()}
        weights = {f"objective.{name}": value for name, value in asdict(self.objective).items()}  # type: ignore[call-overload]
        settings = {f"model.{name}": value for name, value in (config.model_dump() if config else {}).items()}
        training = {f"training.{name}": value for name, value in self.config.model_dump().items()}
        return {
            "model": type(self.model).__name__,
            "parameters": digest_of(shapes)[:12],
            **settings,
            "objective": type(self.objective).__name__,
            **weights,
            **training,
        }

    def differentiate(self, rows: Rows, n_rows: int, objective: Objective) -> tuple[Tensor, dict[str, Tensor]]:
        """Gradients of the loss of a batch of `n_rows`; returns the loss and its parts, means over the batch.

        Raises
        ------
        DeviceError
            If the device has no memory for half of the batch.
        """
        if not self.model.training:  # asking is cheaper than setting the mode of every submodule at every step
            self.model.train()
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]

        def work() -> tuple[Tensor, dict[str, Tensor]]:
            for buffer, before in buffers:  # a try that failed may have moved a codebook, or left half a gradient
                buffer.copy_(before)
            self.optimizer.zero_grad()
            return self._accumulate(rows, n_rows, objective)

        return self._within_memory(work)

    def descend(self, learning_rate: float) -> None:
        """One optimiser step down the gradients."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        with _memory_errors(self.device):
            if self.config.gradient_clip > 0:
                # A gradient that is not finite shows in the next loss, which is checked with a better message.
                self._fabric.clip_gradients(
                    self._module,
                    self._wrapped_optimizer,
                    max_norm=self.config.gradient_clip,
                    error_if_nonfinite=False,
                )
            self._wrapped_optimizer.step()

    @torch.no_grad()
    def evaluate(self, examples: Examples) -> dict[str, float]:
        """Measurements of the objective in eval mode, over all examples, by this process alone."""
        self.model.eval()

        def work() -> dict[str, float]:
            batches = torch.split(torch.arange(len(examples)), math.ceil(self.config.batch_size / self.n_parts))
            with self._fabric.autocast():
                return self.objective.evaluate(
                    self.model, (_on(self.device, examples.batch(indices)) for indices in batches)
                )

        return self._within_memory(work)

    def _accumulate(self, rows: Rows, n_rows: int, objective: Objective) -> tuple[Tensor, dict[str, Tensor]]:
        loss = torch.zeros((), device=self.device)
        parts: dict[str, Tensor] = {}
        mine = shares(slice(0, n_rows), self.processes.size)[self.processes.rank]
        for share in shares(mine, self.n_parts):
            batch, draws = rows(share)
            loss_of = partial(objective.loss, batch=_on(self.device, batch), draws=draws)
            share_loss, share_parts = self._module(loss_of)
            # Gradients add up over the parts of a batch, and are averaged over the processes.
            weight = (share.stop - share.start) * self.processes.size / n_rows
            self._fabric.backward(share_loss * weight)
            loss = loss + share_loss.detach() * weight
            for name, part in share_parts.items():
                parts[name] = parts.get(name, 0.0) + part.detach() * weight
        return loss, parts

    def _within_memory(self, work: Callable[[], T]) -> T:
        """What `work` returns; where memory runs out for the first time, it is done again in two halves."""
        try:
            return work()
        except torch.OutOfMemoryError as error:
            # Other processes may be waiting for the rest of this gradient, so a group cannot start it over.
            if self.n_parts > 1 or self.processes.size > 1 or self.config.batch_size == 1:
                raise _no_memory(self.device) from error
        # Out of the clause: its error held on to everything that had been computed.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.n_parts = 2
        self.note(
            f"{self.device} has no memory for a batch of {self.config.batch_size}: each is computed in two halves from "
            "here on."
        )
        return self._within_memory(work)


def _on(device: torch.device, batch: Batch) -> Batch:
    if isinstance(batch, Tensor):
        return batch.to(device)
    return tuple(None if part is None else part.to(device) for part in batch)


class _Loss(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss_of: LossOf) -> tuple[Tensor, dict[str, Tensor]]:
        # A function of the model, with the batch inside: fabric would round a batch that it sees to bfloat16.
        return loss_of(self.model)


def _fabric(device: torch.device, precision: Any, processes: Processes) -> "Fabric":
    from lightning_fabric import Fabric  # takes seconds, which reading the plan of a run need not take

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would print the precision between our lines
    if processes.size == 1:
        devices: Any = 1 if device.index is None else [device.index]
        return Fabric(accelerator=device.type, devices=devices, precision=precision)
    n_machines = processes.size // local_size()
    fabric = Fabric(
        accelerator=device.type, devices=local_size(), num_nodes=n_machines, strategy="ddp", precision=precision
    )
    fabric.launch()
    return fabric


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
        raise _no_memory(device) from error


def _no_memory(device: torch.device) -> DeviceError:
    return DeviceError(f"{device} has no memory left; lower batch_size or the model's width, or use cpu.")
