import pytest
import torch

from geovq.errors import DeviceError
from geovq.geometry.metric import footprint
from geovq.geometry.metric.footprint import probe_footprints
from tests.geometry.decoders import SmallMemory, patch_decoder, transposed_conv_decoder


def lattice(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.randn(channels, height, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_footprint_of_an_inner_cell_of_the_transposed_conv_decoder_is_12_by_12():
    footprints = probe_footprints(transposed_conv_decoder(), lattice(7, 7))
    inner = footprints.masks[24].reshape(28, 28)
    rows, columns = inner.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 19, 8, 19)
    assert inner.sum() == 144
    assert footprints.largest_box == (12, 12)
    assert footprints.image_shape == (1, 28, 28)


def test_a_footprint_holds_every_pixel_that_changes_when_its_cell_moves():
    decode, whole = transposed_conv_decoder(), lattice(5, 4)
    masks = probe_footprints(decode, whole).masks
    for cell in range(20):
        moved = whole.clone()
        moved[:, cell // 4, cell % 4] += 3
        changed = (decode(moved[None]) - decode(whole[None])).flatten().abs() > 1e-9
        assert torch.equal(changed, changed & masks[cell])
        assert changed.any()


def test_where_nan_is_replaced_every_cell_is_taken_to_change_every_pixel():
    inner = patch_decoder()
    assert probe_footprints(lambda z: inner(torch.nan_to_num(z)), lattice(4, 4)).masks.all()


def test_probing_in_parts_finds_the_same_footprints(monkeypatch):
    whole = probe_footprints(transposed_conv_decoder(), lattice(5, 6))
    monkeypatch.setattr(footprint, "_CELLS_PER_PASS", 7)
    assert torch.equal(probe_footprints(transposed_conv_decoder(), lattice(5, 6)).masks, whole.masks)


def test_probing_goes_on_in_parts_when_memory_is_short():
    whole = probe_footprints(transposed_conv_decoder(), lattice(4, 4))
    small = SmallMemory(transposed_conv_decoder(), capacity=3)
    assert torch.equal(probe_footprints(small, lattice(4, 4)).masks, whole.masks)
    assert small.n_refused > 0
    with pytest.raises(DeviceError, match="probing footprints: not even one of the 16 cells fits"):
        probe_footprints(SmallMemory(transposed_conv_decoder(), capacity=0), lattice(4, 4))
