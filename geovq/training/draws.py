"""Random numbers of one optimiser step: the same for an example however its batch is divided.

Several processes share a batch, and a device without memory for the whole of it computes it in halves. So a generator
knows which rows of the batch it draws for.
"""

import itertools

import torch
from torch import Tensor

from geovq.randomness import make_generator


class RowsGenerator(torch.Generator):
    """Generator at the start of a stream that all rows of a batch share.

    Attributes
    ----------
    first_row : int
        Of the rows it draws for.
    n_rows : int
        In the whole batch.
    """

    first_row: int
    n_rows: int


def rows_generator(seed: int, stream: str, device: torch.device, rows: slice, n_rows: int) -> RowsGenerator:
    """Generator for some rows of a batch of `n_rows`; `make_generator` of the same name begins the same stream."""
    generator = RowsGenerator(device)
    generator.manual_seed(make_generator(seed, stream).initial_seed())
    generator.first_row, generator.n_rows = rows.start, n_rows
    return generator


def standard_normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent N(0, 1) numbers of the shape of `like`, whose first axis is the examples."""
    first, n_rows = 0, len(like)
    if isinstance(generator, RowsGenerator):
        first, n_rows = generator.first_row, generator.n_rows
    # Numbers are drawn in the order of memory, so all parts of a batch need one layout: of `like`, without its gaps.
    layout = torch.empty_like(like).stride()
    whole = torch.empty_strided((n_rows, *like.shape[1:]), layout, dtype=like.dtype, device=like.device)
    return whole.normal_(generator=generator)[first : first + len(like)]


def global_seed(generator: torch.Generator) -> int:
    """Seed for what draws from torch's global generator only, such as dropout; another for each part of a batch."""
    first = generator.first_row if isinstance(generator, RowsGenerator) else 0
    # From a twin on the CPU: to read a number that a GPU has drawn is to wait for the GPU.
    twin = torch.Generator().manual_seed(generator.initial_seed())
    return int(torch.randint(2**31, (first + 1,), generator=twin)[-1])


def shares(rows: slice, n_shares: int) -> list[slice]:
    """Consecutive parts of `rows`, equal to within one row, the larger ones first; empty ones are left out."""
    n_rows = rows.stop - rows.start
    bounds = [rows.start + (n_rows * share + n_shares - 1) // n_shares for share in range(n_shares + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds) if stop > start]
