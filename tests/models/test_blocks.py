import pytest
import torch

from geovq.catalogue.datasets import ImageShape
from geovq.errors import InvalidValueError, ShapeError
from geovq.models import initialised
from geovq.models.blocks import ConvDecoder, ConvEncoder
from geovq.randomness import make_generator
from tests.shapes import COLOUR_TRUNK, TRUNK


@pytest.fixture
def decoder():
    return initialised(lambda: ConvDecoder(3, 4, n_channels=1, n_halvings=2), seed=0, stream="test").double()


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


@torch.no_grad()
@pytest.mark.parametrize(("n_halvings", "side"), [(1, 6), (2, 12), (3, 24)])
def test_a_cell_changes_three_times_the_pixels_that_it_covers_along_each_side(n_halvings, side):
    decoder = initialised(lambda: ConvDecoder(3, 4, n_channels=2, n_halvings=n_halvings), 0, "test").double()
    lattice = torch.randn(1, 3, 5, 6, generator=make_generator(1, "lattice"), dtype=torch.float64)
    moved = lattice.clone()
    moved[0, :, 2, 3] += 1
    changed = (decoder(moved) != decoder(lattice))[0]
    assert changed.shape == (2, 5 << n_halvings, 6 << n_halvings)
    assert changed.flatten().sum() == 2 * side**2
    rows, columns = changed.any(dim=(0, 2)).nonzero(), changed.any(dim=(0, 1)).nonzero()
    assert (len(rows), len(columns)) == (side, side)
    assert (rows.float().mean(), columns.float().mean()) == (2.5 * side / 3 - 0.5, 3.5 * side / 3 - 0.5)


def test_the_encoder_halves_colour_images_of_any_sides():
    image_shape, n_halvings = COLOUR_TRUNK
    encoder = initialised(lambda: ConvEncoder(4, 5, image_shape, n_halvings), 0, "test")
    assert encoder(torch.zeros(2, 3, 16, 24)).shape == (2, 5, 2, 3)
    assert [layer.out_channels for layer in encoder.layers if isinstance(layer, torch.nn.Conv2d)] == [4, 8, 16, 5]


@pytest.mark.parametrize(
    ("image_shape", "n_halvings"), [((1, 28, 28), 3), ((3, 32, 30), 2), ((0, 28, 28), 2), ((1, 28, 28), 0)]
)
def test_images_that_cannot_be_halved_so_often_are_refused(image_shape, n_halvings):
    with pytest.raises(InvalidValueError, match=rf"without a remainder; got .* and {n_halvings} halvings"):
        ConvEncoder(4, 5, ImageShape(*image_shape), n_halvings)


def test_rows_of_a_batch_do_not_interact(decoder):
    encoder = initialised(lambda: ConvEncoder(4, 5, *TRUNK), seed=0, stream="test").double()
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
        ConvEncoder(4, 2, *TRUNK)(torch.zeros(2, 28, 28))


@torch.no_grad()
@pytest.mark.parametrize(("mean", "expected"), [(0.13, 0.13), (0.0, 0.001), (1.0, 0.999)])
def test_a_decoder_starts_at_a_given_grey(mean, expected):
    decoder = initialised(lambda: ConvDecoder(3, 8, 1, 2), seed=0, stream="test")
    decoder.start_at(mean)
    for layer in decoder.layers[:-1]:
        for parameter in layer.parameters():
            parameter.zero_()
    torch.testing.assert_close(decoder(torch.zeros(2, 3, 7, 7)).sigmoid(), torch.full((2, 1, 28, 28), expected))
