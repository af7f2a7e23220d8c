"""Named random streams for code that draws from torch's global generator only: weight initialisation and dropout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from geovq.randomness import make_generator

Model = TypeVar("Model", bound=nn.Module)


def initialised(build: Callable[[], Model], seed: int, stream: str) -> Model:
    """A new model whose first weights depend on `seed` and `stream` alone; the global generator is left as it was.

    Parameters
    ----------
    build : callable
        Constructs the model on the CPU, for example `lambda: LatticeVAE(config)`.
    seed : int
    stream : str
        Name of the use, such as "vae/weights".
    """
    with global_draws(make_generator(seed, stream).initial_seed()):
        return build()


@contextmanager
def global_draws(torch_seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Seed the global generators of the CPU and of `device` for one block, then put them back."""
    device = torch.device(device)
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(torch_seed)
        if gpus:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(torch_seed)
        yield
