from geovq.app.shared.devices import device_words
from geovq.jobs.devices import Device, Memory

GIB = 2**30
FOUND = [
    Device("cuda:0", "NVIDIA H100", Memory(70 * GIB, 80 * GIB)),
    Device("cuda:1", "NVIDIA T4", None),
    Device("cpu", "cpu", Memory(20 * GIB, 23 * GIB)),
]


def test_each_device_says_how_much_memory_is_free() -> None:
    assert device_words("cuda:0", FOUND) == "cuda:0: NVIDIA H100, 70 of 80 GB free"
    assert device_words("cuda:1", FOUND) == "cuda:1: NVIDIA T4, free memory not known"
    assert device_words("cpu", FOUND).endswith("cores, 20 of 23 GB free")


def test_auto_says_what_it_means_here() -> None:
    assert device_words("auto", FOUND) == "auto: the first GPU"
    assert device_words("auto", FOUND[-1:]) == "auto: the CPU, since there is no CUDA GPU"


def test_a_device_that_is_not_here_is_said_to_be_so() -> None:
    assert device_words("cuda:7", FOUND) == "cuda:7: not on this machine"
