import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geovq.errors import ShapeError
from geovq.lattice import cells_of, lattices_of, require_lattices

pytestmark = pytest.mark.smoke

sizes = st.integers(1, 5)


def numbered(*shape: int) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel()).reshape(shape)


def test_cells_come_in_image_major_raster_order():
    lattices = numbered(2, 3, 4, 5)  # B, D, H, W
    expected = [lattices[b, :, h, w] for b in range(2) for h in range(4) for w in range(5)]
    assert torch.equal(cells_of(lattices), torch.stack(expected))


@given(sizes, sizes, sizes, sizes)
def test_lattices_and_cells_are_inverse(n, channels, height, width):
    lattices = numbered(n, channels, height, width)
    cells = cells_of(lattices)
    assert cells.shape == (n * height * width, channels)
    assert torch.equal(lattices_of(cells, height, width), lattices)
    assert torch.equal(cells_of(lattices_of(cells, height, width)), cells)


def test_a_transposed_lattice_is_another_list_of_cells():
    lattices = numbered(1, 2, 3, 3)
    assert not torch.equal(cells_of(lattices.mT), cells_of(lattices))


def test_rebuilt_lattices_are_contiguous():
    assert lattices_of(numbered(12, 2).float(), 2, 3).is_contiguous()


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (1, 2, 3, 4, 5)])
def test_anything_but_four_axes_is_refused(shape):
    with pytest.raises(ShapeError, match=r"must have shape \(B, D, H, W\); got"):
        cells_of(torch.zeros(shape))
    with pytest.raises(ShapeError, match="quantized must have shape"):
        require_lattices(torch.zeros(shape), "quantized")


@pytest.mark.parametrize("shape", [(11, 2), (12,), (12, 2, 1)])
def test_cells_that_fill_no_lattice_are_refused(shape):
    with pytest.raises(ShapeError, match=r"cells must be \(n \* 3 \* 4, D\)"):
        lattices_of(torch.zeros(shape), 3, 4)
