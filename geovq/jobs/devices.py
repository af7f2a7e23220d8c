"""What this machine can compute on, and how much memory is free there.

The driver's own tool is asked for free memory: PyTorch would have to open each GPU, and what that takes of its memory
is given back only when the process ends.
"""

import os
import subprocess
from dataclasses import dataclass
from typing import NamedTuple

import psutil
import torch

_QUERY = ("nvidia-smi", "--query-gpu=uuid,memory.free,memory.total", "--format=csv,noheader,nounits")
_TIMEOUT_S = 5.0
_MIB = 2**20


class Memory(NamedTuple):
    """Free and total memory of a device, in bytes."""

    free: int
    total: int


@dataclass(frozen=True)
class Device:
    """One device of this machine.

    Attributes
    ----------
    name : str
        As in settings: "cuda:0", "cpu".
    title : str
        As in manifests: the name of the GPU, or "cpu".
    memory : Memory, optional
        None if it is not known.
    """

    name: str
    title: str
    memory: Memory | None


def list_devices() -> list[Device]:
    """Every GPU that PyTorch sees, then the CPU."""
    found = []
    if torch.cuda.is_available():
        memory = gpu_memory(asked_driver())
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            found.append(Device(f"cuda:{index}", properties.name, memory.get(str(getattr(properties, "uuid", "")))))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "mps:0", None))
    machine = psutil.virtual_memory()
    return [*found, Device("cpu", "cpu", Memory(machine.available, machine.total))]


def device_of(name: str, devices: list[Device]) -> Device | None:
    """The device that a setting means: "auto" is the first CUDA device, else the CPU; None if it is not there."""
    if name == "auto":
        return next((device for device in devices if device.name.startswith("cuda")), devices[-1])
    return next((device for device in devices if device.name == ("cuda:0" if name == "cuda" else name)), None)


def gpu_memory(answer: str) -> dict[str, Memory]:
    """Memory of GPUs by their UUID, from lines "GPU-uuid, free MiB, total MiB"; others are left out."""
    memory = {}
    for line in answer.splitlines():
        uuid, _, numbers = line.partition(",")
        free, _, total = (part.strip() for part in numbers.partition(","))
        if free.isdecimal() and total.isdecimal():
            memory[uuid.strip().removeprefix("GPU-")] = Memory(int(free) * _MIB, int(total) * _MIB)
    return memory


def cpu_count() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1


def asked_driver() -> str:
    """What the driver's tool says; nothing where there is none."""
    try:
        return subprocess.run(_QUERY, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
