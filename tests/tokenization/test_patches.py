import pytest
import torch
from torch import Tensor, nn

from geovq.errors import InvalidValueError, ShapeError
from geovq.tokenization.patches import decoded_codes, footprint_box


def block_decoder(lattices: Tensor) -> Tensor:
    """Every cell paints the sum of its channels into its own 4 by 4 block, and nothing else."""
    return lattices.sum(dim=1, keepdim=True).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)


def overlapping_decoder() -> nn.Module:
    """The shape of the real decoder: two doublings, then a 3 by 3 convolution; footprint 12 by 12 pixels."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.ConvTranspose2d(3, 4, kernel_size=4, stride=2, padding=1),
        nn.SiLU(),
        nn.ConvTranspose2d(4, 4, kernel_size=4, stride=2, padding=1),
        nn.Conv2d(4, 1, 3, padding=1),
    )


def test_each_code_paints_its_own_value() -> None:
    codebook = torch.tensor([[1.0, 2.0], [0.0, 0.5]])
    patches = decoded_codes(block_decoder, codebook, torch.zeros(2, 7, 7), (3, 3))
    torch.testing.assert_close(patches, torch.tensor([3.0, 0.5]).reshape(2, 1, 1, 1).expand(2, 1, 4, 4))


def test_the_footprint_of_an_inner_cell_is_twelve_pixels_and_is_cut_at_the_border() -> None:
    decode = overlapping_decoder()
    assert footprint_box(decode, torch.zeros(3, 7, 7), (3, 3)) == (slice(8, 20), slice(8, 20))
    assert footprint_box(decode, torch.zeros(3, 7, 7), (0, 6)) == (slice(0, 8), slice(20, 28))


def test_patches_are_cut_from_the_whole_decoded_image() -> None:
    decode, context = overlapping_decoder(), torch.randn(3, 7, 7, generator=torch.Generator().manual_seed(1))
    code = torch.tensor([[0.3, -1.0, 2.0]])
    whole = context.clone()
    whole[:, 2, 4] = code[0]
    expected = decode(whole[None])[..., 4:16, 12:24]
    torch.testing.assert_close(decoded_codes(decode, code, context, (2, 4)), expected, rtol=1e-4, atol=1e-5)


def test_batch_size_changes_nothing_and_the_context_is_left_alone() -> None:
    decode, context = overlapping_decoder(), torch.ones(3, 7, 7)
    codebook = torch.randn(10, 3, generator=torch.Generator().manual_seed(2))
    whole, pieces = (decoded_codes(decode, codebook, context, (3, 3), batch_size=size) for size in (10, 3))
    torch.testing.assert_close(whole, pieces, rtol=1e-4, atol=1e-5)
    assert (context == 1).all()


def test_a_cell_outside_the_lattice_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"7 by 7 cells; got \(7, 0\)"):
        decoded_codes(block_decoder, torch.zeros(2, 2), torch.zeros(2, 7, 7), (7, 0))


def test_codes_of_other_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"got \(2, 3\) and \(2, 7, 7\)"):
        decoded_codes(block_decoder, torch.zeros(2, 3), torch.zeros(2, 7, 7), (3, 3))
