"""Which device computes, in which precision, and how repeatably."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from geovq.errors import DeviceError
from geovq.precision import computes_in_bfloat16
from geovq.training.distributed import local_rank, n_processes


def resolve_device(name: str) -> torch.device:
    """Device of a configuration's name.

    Parameters
    ----------
    name : str
        "auto" (a CUDA device, else the CPU), "cpu", "cuda", "cuda:N" or "mps". Without a number it is the first CUDA
        device; below `torchrun`, each process has its own.

    Raises
    ------
    DeviceError
        If the name is unknown, this machine has no such device, or several processes would share one.
    """
    if name == "auto":
        return torch.device("cuda", local_rank()) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}.") from error
    match device.type:
        case "cpu":
            return device
        case "cuda":
            return _cuda_device(name, device.index)
        case "mps":
            if torch.backends.mps.is_available():
                return torch.device("mps", 0)
            raise DeviceError(
                "device 'mps' was asked for, but this machine has no Apple GPU; set device to auto or cpu."
            )
        case _:
            raise DeviceError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}.")


def _cuda_device(name: str, asked: int | None) -> torch.device:
    index = local_rank() if asked is None else asked
    if index >= torch.cuda.device_count():
        found = f"{torch.cuda.device_count()} CUDA devices are" if torch.cuda.is_available() else "no CUDA device is"
        raise DeviceError(f"device {name!r} was asked for, but {found} visible here; set device to auto or cpu.")
    if n_processes() > 1 and index != local_rank():
        raise DeviceError(f"device {name!r} is one GPU for several processes; set device to auto, cuda or cpu.")
    return torch.device("cuda", index)


def resolve_precision(name: str, device: torch.device) -> str:
    """Precision of a configuration's name: "auto" is bfloat16 autocast where the device can, else float32."""
    if name != "auto":
        return name
    return "bf16-mixed" if computes_in_bfloat16(device) else "32-true"


@contextmanager
def training_numerics(device: torch.device) -> Iterator[None]:
    """How a CUDA device computes while the block runs; other devices are left as they are.

    What stays in float32 is multiplied in TF32 where the device has it (10 bits of mantissa, accumulated in float32).
    Convolutions are deterministic; atomic additions in other kernels may still differ in the last bits between runs.
    """
    if device.type != "cuda":
        yield
        return
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.deterministic
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.deterministic = convolutions
