"""Sums and rows over all processes that share a training batch; of this process alone where it has no partners.

Where processes are joined (`torch.distributed` is initialised), all of them must call these together.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch import distributed as dist


def total(tensor: Tensor) -> Tensor:
    """Sum over the processes, elementwise; the same bits in each of them."""
    if not _is_shared():
        return tensor
    result = tensor.clone()
    dist.all_reduce(result)
    return result


def all_rows(rows: Float[Tensor, "n D"]) -> Float[Tensor, "n_all D"]:
    """Rows of all processes, in the order of their ranks; each may bring another number of them."""
    if not _is_shared():
        return rows
    sizes = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=rows.device)
    sizes[dist.get_rank()] = len(rows)
    stops = total(sizes).cumsum(dim=0).tolist()
    stop = stops[dist.get_rank()]
    # A sum in which every row has one summand: unlike a gather, it does not ask for equal numbers.
    whole = rows.new_zeros(stops[-1], rows.shape[1])
    whole[stop - len(rows) : stop] = rows
    return total(whole)


def _is_shared() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
