import pytest
import torch

from geovq.errors import ShapeError
from geovq.models import initialised
from geovq.models.blocks import ConvDecoder, ConvEncoder
from geovq.randomness import make_generator


@pytest.fixture
def decoder():
    return initialised(lambda: ConvDecoder(latent_channels=3, width=4), seed=0, stream="test").double()


@pytest.mark.parametrize("row", [0, 3, 6])
@pytest.mark.parametrize("column", [0, 2, 6])
def test_a_cell_changes_exactly_its_12_by_12_pixels(decoder, row, column):
    lattice = torch.randn(1, 3, 7, 7, generator=make_generator(1, "lattice"), dtype=torch.float64)
    moved = lattice.clone()
    moved[0, :, row, column] += 1
    changed = (decoder(moved) != decoder(lattice))[0, 0]
    expected = torch.zeros(28, 28, dtype=torch.bool)
    # From 4 i - 4 to 4 i + 7, cut off at the image's edges.
    expected[max(0, 4 * row - 4) : 4 * row + 8, max(0, 4 * column - 4) : 4 * column + 8] = True
    assert torch.equal(changed, expected)


def test_rows_of_a_batch_do_not_interact(decoder):
    encoder = initialised(lambda: ConvEncoder(width=4, n_features=5), seed=0, stream="test").double()
    generator = make_generator(2, "inputs")
    images = torch.rand(4, 1, 28, 28, generator=generator, dtype=torch.float64)
    lattices = torch.randn(4, 3, 7, 7, generator=generator, dtype=torch.float64)
    for network, inputs in ((encoder, images), (decoder, lattices)):
        alone = torch.cat([network(row[None]) for row in inputs])
        torch.testing.assert_close(network(inputs), alone, rtol=1e-10, atol=1e-12)


def test_decoder_takes_forward_mode_derivatives(decoder):
    generator = make_generator(3, "inputs")
    z, v = (torch.randn(2, 3, 7, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    step = 1e-6
    _, pushforward = torch.func.jvp(decoder, (z,), (v,))
    difference = (decoder(z + step * v) - decoder(z - step * v)) / (2 * step)
    torch.testing.assert_close(pushforward, difference, rtol=1e-6, atol=1e-8)  # central differences: O(step^2)


def test_wrong_shapes_are_named(decoder):
    with pytest.raises(ShapeError, match=r"\(B, 3, H, W\).*got \(2, 4, 7, 7\)"):
        decoder(torch.zeros(2, 4, 7, 7))
    with pytest.raises(ShapeError, match=r"\(B, 1, 28, 28\).*got \(2, 28, 28\)"):
        ConvEncoder(width=4, n_features=2)(torch.zeros(2, 28, 28))
