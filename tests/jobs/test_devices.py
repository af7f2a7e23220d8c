from types import SimpleNamespace

import torch

from geovq.jobs import devices
from geovq.jobs.devices import Device, Memory, device_of, gpu_memory, list_devices

CPU = Device("cpu", "cpu", Memory(1, 2))
GPU = Device("cuda:0", "NVIDIA H100", None)
ANSWER = "GPU-aaa, 79000, 81559\nGPU-bbb, 12, 81559\nGPU-ccc, [N/A], [N/A]\nno devices were found\n"


def test_free_memory_is_read_by_uuid_and_what_is_no_number_is_left_out():
    assert gpu_memory(ANSWER) == {
        "aaa": Memory(79_000 * 2**20, 81_559 * 2**20),
        "bbb": Memory(12 * 2**20, 81_559 * 2**20),
    }


def test_the_cpu_is_always_there_and_comes_last():
    found = list_devices()
    assert found[-1].name == "cpu"
    assert 0 < found[-1].memory.free <= found[-1].memory.total


def test_every_gpu_is_listed_with_its_own_memory(monkeypatch):
    cards = [SimpleNamespace(name="A", uuid="bbb"), SimpleNamespace(name="B", uuid="zzz")]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", cards.__getitem__)
    monkeypatch.setattr(devices, "asked_driver", lambda: ANSWER)
    assert list_devices()[:2] == [
        Device("cuda:0", "A", Memory(12 * 2**20, 81_559 * 2**20)),
        Device("cuda:1", "B", None),  # hidden from the driver's tool
    ]


def test_a_machine_without_the_drivers_tool_is_no_error(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpu_memory(devices.asked_driver()) == {}


def test_auto_is_the_first_gpu_else_the_cpu():
    assert device_of("auto", [GPU, CPU]) is GPU
    assert device_of("auto", [CPU]) is CPU
    assert device_of("cuda", [GPU, CPU]) is GPU
    assert device_of("cuda:3", [GPU, CPU]) is None
