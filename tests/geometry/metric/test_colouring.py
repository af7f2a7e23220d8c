import json
from dataclasses import asdict

import pytest
import torch
from torch import nn

from geovq.geometry.metric.colouring import ColouringSummary, colour_cells
from tests.geometry.decoders import (
    GlobalDecoder,
    patch_decoder,
    strided_decoder,
    transposed_conv_decoder,
)


def lattice(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.randn(channels, height, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_a_kernel_k_at_stride_s_needs_colours_ceil_k_over_s_apart(stride, kernel):
    colouring = colour_cells(strided_decoder(stride, kernel), lattice(6, 8))
    apart = -(-kernel // stride)
    assert colouring.spacing == (apart, apart)
    assert colouring.n_colours == apart**2
    assert colouring.summary() == ColouringSummary(48, apart**2, (apart, apart), (kernel, kernel))


def test_the_spacing_is_no_larger_than_a_small_lattice():
    colouring = colour_cells(strided_decoder(1, 5), lattice(3, 8))
    assert colouring.spacing == (3, 5)
    assert colouring.summary().is_local


@pytest.mark.parametrize(
    ("decoder", "size", "spacing", "local"),
    [
        (transposed_conv_decoder(), 7, (3, 3), True),
        (patch_decoder(), 7, (1, 1), True),
        (GlobalDecoder().eval(), 4, (4, 4), False),
    ],
    ids=["transposed-conv", "patches", "global"],
)
def test_colouring_finds_the_footprint(decoder, size, spacing, local):
    colouring = colour_cells(decoder, lattice(size, size))
    assert colouring.spacing == spacing
    assert colouring.summary().is_local == local


@pytest.mark.parametrize(("height", "width"), [(7, 7), (3, 8), (9, 2), (1, 6)])
def test_cells_of_one_colour_share_no_pixel(height, width):
    colouring = colour_cells(transposed_conv_decoder(), lattice(height, width))
    for colour in range(colouring.n_colours):
        assert colouring.footprints.masks[colouring.colours == colour].sum(dim=0).max() <= 1


def test_wide_kernels_get_wide_spacings():
    wide = nn.ConvTranspose2d(3, 1, (1, 5), stride=1).double().eval()
    colouring = colour_cells(wide, lattice(4, 9))
    assert colouring.spacing == (1, 5)
    assert colouring.summary().footprint == (1, 5)


def test_a_decoder_that_hides_nan_gets_one_colour_per_cell():
    inner = transposed_conv_decoder()
    assert not colour_cells(lambda z: inner(torch.nan_to_num(z)), lattice(4, 4)).summary().is_local


def test_a_decoder_that_hides_nan_on_one_of_its_ways_gets_one_colour_per_cell():
    local, everywhere = patch_decoder(), GlobalDecoder().eval()

    def decode(lattices):
        return torch.cat([local(lattices).flatten(1), everywhere(torch.nan_to_num(lattices))], dim=1)

    assert colour_cells(local, lattice(4, 4)).summary().is_local
    assert not colour_cells(decode, lattice(4, 4)).summary().is_local


def test_a_summary_survives_json_and_speaks():
    summary = colour_cells(transposed_conv_decoder(), lattice(7, 7)).summary()
    assert ColouringSummary.from_json(json.loads(json.dumps(asdict(summary)))) == summary
    assert summary.sentence() == "One cell changes up to 12 × 12 pixels, so 9 colours serve all 49 cells."
    everywhere = colour_cells(GlobalDecoder().eval(), lattice(4, 4)).summary()
    assert everywhere.footprint == (1, 30)
    assert everywhere.sentence().endswith("every cell has a colour of its own: 16 products per direction.")
