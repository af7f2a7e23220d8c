"""Decoders without forward mode, and such as hide their derivative (pytorch/pytorch#128971, #177318)."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import geovq
from geovq.errors import InvalidValueError
from geovq.geometry.metric import forward_mode

LATTICES = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 1, 1)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, lattices: torch.Tensor) -> torch.Tensor:
        h = self.first(lattices)
        t = h.flatten(2).mT
        t = t + self.attention(t, t, t, need_weights=False)[0]
        return torch.sigmoid(self.last(t.mT.reshape(h.shape)))


class Hidden(nn.Module):
    def __init__(self, hide: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
        self.hide = hide

    def forward(self, lattices: torch.Tensor) -> torch.Tensor:
        return self.hide(self.net, lattices)


def in_inference_mode(net: nn.Module, lattices: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return net(lattices)


def metric_by_differences(decoder: nn.Module) -> torch.Tensor:
    """Of every cell in its own context, in float64."""
    decoder, lattices, step = decoder.double(), LATTICES.double(), 1e-5
    metrics = torch.zeros(2, 4, 4, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        for row in range(4):
            for column in range(4):
                columns = []
                for channel in range(3):
                    moved = torch.zeros_like(lattices)
                    moved[:, channel, row, column] = step
                    columns.append(((decoder(lattices + moved) - decoder(lattices - moved)) / (2 * step)).flatten(1))
                jacobian = torch.stack(columns, dim=2)
                metrics[:, row, column] = jacobian.mT @ jacobian
    return metrics


@pytest.mark.parametrize("second_way_too", [True, False])
def test_a_layer_without_forward_mode_has_the_metric_of_differences(monkeypatch, second_way_too):
    if not second_way_too:

        def refuse(*_: object) -> None:
            raise NotImplementedError("derivative not implemented")

        monkeypatch.setattr(forward_mode, "_by_two_backward_passes", refuse)
    expected = metric_by_differences(Attention().eval())
    decoder = Attention().eval()
    how = "two backward passes" if second_way_too else "differences"
    with pytest.warns(UserWarning, match=f"no forward mode .*multi_head_attention.*; its derivative is made by {how}"):
        measured = geovq.metric_tensors(decoder, LATTICES, torch.eye(3))
    # Differences of float32 images resolve a thousandth of the largest derivative.
    tolerance = 1e-5 if second_way_too else 1e-2
    torch.testing.assert_close(measured.double(), expected, rtol=1e-3, atol=tolerance * float(expected.max()))


@pytest.mark.parametrize(
    "hide", [in_inference_mode, lambda net, x: net(x.detach()), lambda net, x: net(x).data], ids=["mode", "in", "out"]
)
def test_a_decoder_that_hides_its_derivative_is_refused(hide):
    with pytest.raises(InvalidValueError, match="its derivative is zero; remove"):
        geovq.metric_tensors(Hidden(hide).eval(), LATTICES, torch.eye(3))


def test_a_constant_decoder_has_a_metric_of_zeros():
    metric = geovq.metric_tensors(lambda lattices: 0 * lattices[:, :1] + 0.5, LATTICES, torch.eye(3))
    assert not metric.any()
