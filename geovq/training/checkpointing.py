"""The state of a training run on disk, so exact that a run resumed on a CPU ends with the same bits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from geovq.artifacts import read_safetensors, write_safetensors
from geovq.errors import ArtifactError

KIND = "training-state"
FORMAT = 2
_START_OVER = "delete it to train from the start"


@dataclass
class TrainingState:
    """Where a run stands, besides its last weights and its optimiser.

    Random streams are named by step, so the step is all the state they have.
    """

    step: int = 0  # optimiser steps done
    elapsed_s: float = 0.0  # over all sessions
    best_epoch: int = 0  # with the lowest validation loss, counted from 1; 0 before the first has ended
    validation: dict[str, float] = field(default_factory=dict)  # of that epoch
    best: dict[str, Tensor] = field(default_factory=dict)  # weights and buffers of that epoch, on the CPU
    average: dict[str, Tensor] = field(default_factory=dict)  # of the weights; empty if they are not averaged


def save_training_state(
    path: Path, state: TrainingState, model: nn.Module, optimizer: Optimizer, inputs: Mapping[str, Any]
) -> None:
    """Write state, last weights and optimiser averages, whole or not at all.

    Parameters
    ----------
    inputs : mapping
        Everything that the result depends on, flat, as JSON values; `load_training_state` compares it.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    groups = {"model": model.state_dict(), "best": state.best, "average": state.average}
    tensors = {f"{group}.{name}": tensor for group, members in groups.items() for name, tensor in members.items()}
    for index, averages in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in averages.items()}
    scalars = {name: value for name, value in vars(state).items() if name not in groups}
    metadata = {"inputs": dict(inputs), "state": scalars}
    write_safetensors(path, tensors, kind=KIND, format=FORMAT, metadata=metadata)


def load_training_state(
    path: Path, model: nn.Module, optimizer: Optimizer, inputs: Mapping[str, Any]
) -> TrainingState | None:
    """Restore model and optimiser in place and say where the run stands; None if there is no file.

    Raises
    ------
    ArtifactError
        If the file is damaged, or was written by a run with other inputs.
    """
    if not path.exists():
        return None
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=_START_OVER)
    _require_same_inputs(path, metadata.get("inputs", {}), inputs)
    try:
        model.load_state_dict(_below("model", tensors))
        _restore(optimizer, _below("optimizer", tensors))
        return TrainingState(**metadata["state"], best=_below("best", tensors), average=_below("average", tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ArtifactError(f"{path} does not fit the model ({reason}); {_START_OVER}.") from error


def _require_same_inputs(path: Path, stored: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    differing = [key for key in {**stored, **inputs} if stored.get(key) != inputs.get(key)]
    if differing:
        changes = ", ".join(f"{key} {stored.get(key)!r} (now {inputs.get(key)!r})" for key in differing)
        raise ArtifactError(f"{path} was begun with {changes}; restore that, or {_START_OVER}.")


def _restore(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".")
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:  # files are contiguous; the optimiser wants its parameter's memory layout
            tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{prefix}."): tensor for key, tensor in tensors.items() if key.startswith(f"{prefix}.")}
