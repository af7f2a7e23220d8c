"""Random numbers of one optimiser step: the same for an example however its batch is divided.

Several processes share a batch, and a device without memory for the whole of it computes it in halves. Each part draws
for the whole batch, from the start of one stream, and takes the numbers of its own rows.
"""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """Random numbers for consecutive rows of a batch.

    Attributes
    ----------
    generator : torch.Generator
        New: at the start of the stream of the whole batch, and used once. On the device of the batch.
    n_before, n_after : int, default=0
        Rows of the batch before and after those that are drawn for.
    """

    generator: torch.Generator
    n_before: int = 0
    n_after: int = 0

    def standard_normal(self, like: Tensor) -> Tensor:
        """Independent N(0, 1) numbers of the shape of `like`, whose first axis is the rows."""
        # Numbers are drawn in the order of memory, so all parts of a batch need the layout of `like`, without its gaps.
        layout = torch.empty_like(like).stride()
        shape = (self._n_rows(len(like)), *like.shape[1:])
        whole = torch.empty_strided(shape, layout, dtype=like.dtype, device=like.device)
        return self._mine(whole.normal_(generator=self.generator))

    def integers(self, low: int, high: int, n_rows: int, n_columns: int) -> Int64[Tensor, "n_rows n_columns"]:
        """Whole numbers from `low` to `high`, both included, each as likely as any other."""
        shape, device = (self._n_rows(n_rows), n_columns), self.generator.device
        return self._mine(torch.randint(low, high + 1, shape, generator=self.generator, device=device))

    def global_seed(self) -> int:
        """Seed for what draws from torch's global generator only, such as dropout; another for each part of a batch."""
        # From a twin on the CPU: to read a number that a GPU has drawn is to wait for the GPU.
        twin = torch.Generator().manual_seed(self.generator.initial_seed())
        return int(torch.randint(2**31, (self.n_before + 1,), generator=twin)[-1])

    def _n_rows(self, n_mine: int) -> int:
        return self.n_before + n_mine + self.n_after

    def _mine(self, whole: Tensor) -> Tensor:
        return whole[self.n_before : len(whole) - self.n_after]


def shares(rows: slice, n_shares: int) -> list[slice]:
    """Consecutive parts of `rows`, equal to within one row, the larger ones first; empty ones are left out."""
    n_rows = rows.stop - rows.start
    bounds = [rows.start + (n_rows * share + n_shares - 1) // n_shares for share in range(n_shares + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds) if stop > start]
