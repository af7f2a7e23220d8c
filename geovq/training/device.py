"""Which device computes, and in which precision."""

import torch

from geovq.errors import DeviceError


def resolve_device(name: str) -> torch.device:
    """Device of a configuration's name.

    Parameters
    ----------
    name : str
        "auto" (the first CUDA device, else the CPU), "cpu", "cuda", "cuda:N" or "mps".

    Raises
    ------
    DeviceError
        If the name is unknown, or this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}.") from error
    match device.type:
        case "cpu":
            return device
        case "cuda":
            index = device.index or 0
            if index < torch.cuda.device_count():
                return torch.device("cuda", index)
            found = (
                f"{torch.cuda.device_count()} CUDA devices are" if torch.cuda.is_available() else "no CUDA device is"
            )
            raise DeviceError(f"device {name!r} was asked for, but {found} visible here; set device to auto or cpu.")
        case "mps":
            if torch.backends.mps.is_available():
                return torch.device("mps", 0)
            raise DeviceError(
                "device 'mps' was asked for, but this machine has no Apple GPU; set device to auto or cpu."
            )
        case _:
            raise DeviceError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}.")


def resolve_precision(name: str, device: torch.device) -> str:
    """Precision of a configuration's name: "auto" is bfloat16 autocast where the GPU computes in it, else float32."""
    if name != "auto":
        return name
    has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16-mixed" if has_bf16 else "32-true"
