import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geovq.chunks import available_device, in_chunks, memory_budget
from geovq.errors import Cancelled, DeviceError
from tests.geometry.listeners import Listener


def squares_on_a_device_for(capacity):
    def work(part):
        if part.stop - part.start > capacity:
            raise torch.OutOfMemoryError
        return [i * i for i in range(part.start, part.stop)]

    return work


@given(n=st.integers(0, 60), size=st.integers(1, 70), capacity=st.integers(1, 70))
def test_every_item_is_done_once_and_in_order_whatever_fits(n, size, capacity):
    listener = Listener()
    work = squares_on_a_device_for(capacity)
    chunks = list(in_chunks(work, n, size, phase="squares", unit="numbers", progress=listener))
    assert [square for chunk in chunks for square in chunk] == [i * i for i in range(n)]
    assert all(0 < len(chunk) <= min(size, capacity) for chunk in chunks)
    assert listener.phases == [("squares", n, "numbers")]
    assert sum(listener.advances) == n
    assert len(listener.notes) == (min(size, n) > capacity)


def test_a_shortage_is_said_once():
    listener = Listener()
    list(in_chunks(squares_on_a_device_for(3), 50, 40, phase="squares", unit="numbers", progress=listener))
    assert listener.notes == ["squares: 40 numbers at once did not fit into memory; going on with fewer."]


def test_what_does_not_fit_alone_is_an_error():
    with pytest.raises(DeviceError, match=r"squares: not even one of the 5 numbers fits .*use another device"):
        list(in_chunks(squares_on_a_device_for(0), 5, 4, phase="squares", unit="numbers"))


def test_the_shortage_of_a_cpu_counts_too():
    def work(part):
        return torch.empty(2**50 if part.stop - part.start > 2 else 1)  # 4 PiB: no machine has them

    assert len(list(in_chunks(work, 8, 8, phase="work", unit="items"))) == 4


def test_other_failures_are_not_taken_for_a_shortage():
    def work(part):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(in_chunks(work, 8, 8, phase="work", unit="items"))


def test_a_stop_is_seen_between_chunks():
    done = []
    with pytest.raises(Cancelled):
        list(in_chunks(done.append, 10, 2, phase="work", unit="items", progress=Listener(stop_after=2)))
    assert done == [slice(0, 2), slice(2, 4)]


def test_a_cpu_has_a_fixed_budget_and_a_gpu_half_of_what_is_free(monkeypatch):
    assert memory_budget("cpu", 1_000) == 1_000
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (600, 10_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    assert memory_budget("cuda", 1_000) == 500  # 600 free, and 400 that torch keeps but does not use


def test_a_device_that_is_not_there_is_named():
    assert available_device("cpu") == torch.device("cpu")
    with pytest.raises(DeviceError, match=r"'cuda:63' was asked for.*use 'cpu'"):
        available_device("cuda:63")
