"""Work in chunks that fit into the memory of a device, which is checked to exist.

A chunk bounds memory and never changes a result, so where memory runs out the same work is done again in halves.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from geovq.errors import DeviceError
from geovq.progress import Progress, SilentProgress, stop_if_requested

_CUDA_SHARE = 0.5  # of the free memory; the rest is for what a library allocates besides
_CPU_MESSAGE = "DefaultCPUAllocator"  # what torch's CPU allocator says, as a plain RuntimeError, when it fails

T = TypeVar("T")


def available_device(device: str | torch.device) -> torch.device:
    """The device itself; `DeviceError` if it is a GPU that this machine does not have."""
    device = torch.device(device)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"device '{device}' was asked for, but {torch.cuda.device_count()} CUDA devices are visible here; "
            "use 'cpu'."
        )
    return device


def memory_budget(device: str | torch.device, cpu_bytes: int) -> int:
    """Bytes that a chunk of work may hold.

    Parameters
    ----------
    device : str or torch.device
    cpu_bytes : int
        The answer for a CPU, where what matters is that a chunk stays in the caches rather than how much is free.

    Returns
    -------
    int
        On CUDA half of what is free now, counting what torch's own pool holds unused; elsewhere `cpu_bytes`.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return cpu_bytes
    free, _ = torch.cuda.mem_get_info(device)
    pooled = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(_CUDA_SHARE * (free + pooled))


def in_chunks(
    work: Callable[[slice], T],
    n_items: int,
    chunk_size: int,
    *,
    phase: str,
    unit: str,
    progress: Progress | None = None,
) -> Iterator[T]:
    """Results of `work` over consecutive slices of `n_items`, in order.

    When `work` runs out of memory its slice is halved, and so are all that follow; the first time, `progress` is told.

    Parameters
    ----------
    work : callable
        Computes one slice of at most `chunk_size` items; may be called again for a part of the same slice.
    n_items, chunk_size : int
    phase, unit : str
        Name of the work and plural noun of the items, for progress and messages.
    progress : Progress, optional
        Told about every chunk, and asked before each whether to stop.

    Raises
    ------
    DeviceError
        If a single item does not fit into memory.
    Cancelled
        If a stop was asked for.
    """
    progress = progress or SilentProgress()
    progress.start(phase, n_items, unit)
    begin, size, said = 0, min(chunk_size, n_items), False
    while begin < n_items:
        stop_if_requested(progress)
        part = slice(begin, min(begin + size, n_items))
        n_part = part.stop - part.start
        result = _unless_out_of_memory(work, part)
        if result is not None:
            begin = part.stop
            yield result[0]
            progress.advance(n_part)
            continue
        if n_part == 1:
            raise DeviceError(
                f"{phase}: not even one of the {n_items} {unit} fits into the memory that is left; "
                "free memory on the device, or use another device."
            )
        size = n_part // 2
        if not said:
            progress.note(f"{phase}: {n_part} {unit} at once did not fit into memory; going on with fewer.")
            said = True


def _unless_out_of_memory(work: Callable[[slice], T], part: slice) -> tuple[T] | None:
    try:
        return (work(part),)
    except torch.OutOfMemoryError:
        pass  # its traceback holds the tensors of the failed attempt: they are freed once this block is left
    except RuntimeError as error:
        if _CPU_MESSAGE not in str(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
