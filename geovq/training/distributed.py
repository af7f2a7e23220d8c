"""Processes that train one model together, as `torchrun` starts them.

The first of them is the main process: it talks to the run's files and to whoever watches. The others compute along.
"""

import atexit
import gc
import os
from datetime import timedelta
from typing import Protocol, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

T = TypeVar("T")

# The others wait while the main process stands in the queue for the device, or works alone.
_PATIENCE = timedelta(days=30)


class Processes(Protocol):
    """The processes that work on a training, seen from one of them."""

    rank: int  # of this process; 0 is the main one
    size: int

    @property
    def is_main(self) -> bool:
        """Whether this process writes and reports."""

    def agree(self, value: T) -> T:
        """The main process's value, in every process."""

    def mean(self, tensor: Tensor) -> Tensor:
        """Mean over the processes, elementwise."""

    def gathered(self, value: T) -> list[T]:
        """Values of all processes, by rank."""


class Alone:
    """A process that trains without partners."""

    rank, size, is_main = 0, 1, True

    def agree(self, value: T) -> T:
        """The value."""
        return value

    def mean(self, tensor: Tensor) -> Tensor:
        """The tensor."""
        return tensor

    def gathered(self, value: T) -> list[T]:
        """The value."""
        return [value]


class Group:
    """The processes of one `torchrun`."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    @property
    def is_main(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def agree(self, value: T) -> T:
        """The main process's value, in every process."""
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def mean(self, tensor: Tensor) -> Tensor:
        """Mean over the processes, elementwise."""
        total = tensor.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def gathered(self, value: T) -> list[T]:
        """Values of all processes, by rank."""
        values: list[T | None] = [None] * self.size
        dist.all_gather_object(values, value)
        return values  # type: ignore[return-value]  # filled by now


def processes() -> Processes:
    """The processes that `torchrun` started together with this one; `Alone` without it."""
    if n_processes() == 1:
        return Alone()
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(local_rank())  # where NCCL meets the others
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
        atexit.register(_leave)
    return Group()


def n_processes() -> int:
    """How many processes `torchrun` started, on all machines."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def local_rank() -> int:
    """Number of this process on its machine, which is the number of its GPU."""
    return int(os.environ["LOCAL_RANK"]) if n_processes() > 1 else 0


def local_size() -> int:
    """How many processes `torchrun` started on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if n_processes() > 1 else 1


def _leave() -> None:
    # Left to the end of the interpreter, gloo's threads now and then abort a process that has done all its work. Models
    # that were trained together hold on to them in reference cycles.
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()
    gc.collect()
