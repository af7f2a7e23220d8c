"""A GPU that is not there: fake tensors on `cuda` that carry their values.

FakeTensorMode refuses an operation whose tensors are on different devices, as a GPU does, but knows no values. Here
each operation is also computed on the CPU, so that code which looks at values (how many cells, whether anything
changed) goes on, and results can be compared. What PyTorch cannot do without a driver stays out: backward passes,
generators and streams of the device.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
import torch.utils._pytree as pytree
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    in_kernel_invocation_manager,
    unset_fake_temporarily,
)

from geovq.geometry.metric import layer_products

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
_aten = torch.ops.aten
_ON_CPU: dict[Any, Any] = {  # what has no values, or no kernel on a CPU
    _aten._efficientzerotensor.default: _aten.zeros.default,
    _aten.cudnn_batch_norm.default: lambda *given: (*_aten.native_batch_norm.default(*given), torch.empty(0)),
}
_COPIES = (_aten.copy_.default, _aten._copy_from.default)
_INDEXING = (
    _aten.index.Tensor,
    _aten.index_put.default,
    _aten.index_put_.default,
    _aten._index_put_impl_.default,
    _aten._unsafe_index.Tensor,
)


class _FakeCuda(FakeTensorMode):
    """FakeTensorMode whose tensors have values: devices are checked by its own rule, shapes follow from the values."""

    def dispatch(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.prim.device.default:
            return args[0].fake_device
        args, kwargs = pytree.tree_map_only(Tensor, self._as_fake, (args, kwargs or {}))
        device = self._device_of(func, args, kwargs)
        real_args, real_kwargs = pytree.tree_map_only(FakeTensor, value_of, (args, kwargs))
        if real_kwargs.get("device") is not None:
            real_kwargs = {**real_kwargs, "device": CPU}
        given = {
            id(value_of(fake)): fake for fake in pytree.tree_leaves((args, kwargs)) if isinstance(fake, FakeTensor)
        }
        result = _ON_CPU.get(func, func)(*real_args, **real_kwargs)
        # What is changed in place stays the same tensor.
        return pytree.tree_map_only(
            Tensor, lambda real: given[id(real)] if id(real) in given else self._fake(real, device), result
        )

    def _device_of(self, func: Any, args: Any, kwargs: Any) -> torch.device:
        """Where the result is; RuntimeError if tensors are on different devices."""
        if kwargs.get("device") is not None:
            return CUDA if torch.device(kwargs["device"]).type == "cuda" else CPU
        tensors = pytree.tree_leaves((args, kwargs))
        if func in _COPIES:  # between devices
            tensors = tensors[:1]
        if func in _INDEXING:  # indices may be on the CPU
            values = args[2:3]
            tensors = [args[0], *values]
            indices = [index for index in args[1] if isinstance(index, FakeTensor)]
            if any(index.device.type == "cuda" for index in indices):
                tensors += indices
        tensors = [tensor for tensor in tensors if isinstance(tensor, FakeTensor)]
        return FakeTensor._find_common_device(func, tensors)[0] if tensors else CPU

    def _as_fake(self, tensor: Tensor) -> Tensor:
        return tensor if isinstance(tensor, FakeTensor) else self._fake(tensor, tensor.device)

    def _fake(self, real: Tensor, device: torch.device) -> FakeTensor:
        with in_kernel_invocation_manager(self):
            shape = torch.empty_strided(real.shape, real.stride(), dtype=real.dtype, device="meta")
        return FakeTensor(self, shape, device, real_tensor=real)


@contextmanager
def fake_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block tensors can be put on `cuda`."""
    with monkeypatch.context() as patch:
        patch.setattr("geovq.geometry.graph.bellman_ford.available_device", torch.device)
        patch.setattr("torch.cuda.mem_get_info", lambda device: (2**30, 2**30))
        patch.setattr("torch.cuda.memory_reserved", lambda device: 0)
        patch.setattr("torch.cuda.memory_allocated", lambda device: 0)
        patch.setattr(FakeTensor, "numpy", _numpy, raising=False)
        patch.setattr(nn.Module, "to", _moved)
        patch.setattr(layer_products, "_with_slope", partial(_by_values, layer_products._with_slope))
        with _FakeCuda():
            yield


def _numpy(tensor: Tensor) -> Any:
    assert tensor.device == CPU  # as for any other tensor
    with unset_fake_temporarily():
        return value_of(tensor).numpy()


def _by_values(slope_of: Callable[..., tuple[Tensor, Tensor]], layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """A function of single numbers and its derivative, which is a backward pass."""
    with unset_fake_temporarily():
        y, slope = slope_of(layer, real(x))
    return y.to(x.device), slope.to(x.device)


def _moved(module: nn.Module, device: torch.device | None = None, **options: Any) -> nn.Module:
    """As `Module.to`, which cannot put fake weights into the places of real ones; strides stay as they are."""
    if device is None:
        return module
    for part in module.modules():
        for name, weight in list(part.named_parameters(recurse=False)):
            part.register_parameter(name, nn.Parameter(weight.detach().to(device), weight.requires_grad))
        for name, buffer in list(part.named_buffers(recurse=False)):
            part.register_buffer(name, buffer.to(device))
    return module


def value_of(tensor: Tensor) -> Tensor:
    """The real value of a fake tensor, on the CPU."""
    real = tensor.real_tensor if isinstance(tensor, FakeTensor) else None
    assert isinstance(real, Tensor)
    return real


def real(tensor: Tensor) -> Tensor:
    """The tensor, or its value where it is fake."""
    plain = tensor.detach()
    return value_of(plain) if isinstance(plain, FakeTensor) else plain
