import pytest
import torch

from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES, PIXEL, OutputGeometry
from geovq.geometry import metric_tensors

GEOMETRIES = OUTPUT_GEOMETRIES.values()
CURVED = [geometry for geometry in GEOMETRIES if geometry.embed is not None]
WORDS = ("length", "length_in_brackets", "length_short", "along_a_way", "base", "adverb", "step", "squared", "speed")


@pytest.mark.parametrize("geometry", CURVED, ids=lambda geometry: geometry.name)
def test_the_weight_is_the_derivative_of_the_embedding(geometry: OutputGeometry) -> None:
    assert geometry.embed is not None
    assert geometry.weight is not None
    means = torch.linspace(0, 1, 2_001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(geometry.embed(means).sum(), means)
    torch.testing.assert_close(slope, geometry.weight(means.detach()), rtol=1e-9, atol=0)


@pytest.mark.parametrize("geometry", CURVED, ids=lambda geometry: geometry.name)
def test_the_metric_is_the_pixel_metric_of_embedded_pictures(geometry: OutputGeometry) -> None:
    """Two ways to the same metric: weights on the Jacobian's rows, or an isometric embedding before differentiating."""
    embed = geometry.embed
    assert embed is not None
    generator = torch.Generator().manual_seed(0)
    lattices = torch.randn(3, 2, 4, 4, generator=generator, dtype=torch.float64)
    gains = 3 * torch.randn(5, 2, generator=generator, dtype=torch.float64)

    def decode(z: torch.Tensor) -> torch.Tensor:
        return torch.einsum("pd,ndhw->nphw", gains, z).sigmoid()

    basis = torch.eye(2)
    weighted = metric_tensors(decode, lattices, basis, output_geometry=geometry.name)
    torch.testing.assert_close(weighted, metric_tensors(lambda z: embed(decode(z)), lattices, basis), rtol=1e-8, atol=0)


@pytest.mark.parametrize("word", WORDS)
def test_no_two_geometries_share_a_word_for_their_unit(word: str) -> None:
    assert len({getattr(geometry, word) for geometry in GEOMETRIES}) == len(OUTPUT_GEOMETRIES)


def test_pixels_are_called_as_before() -> None:
    words = [getattr(PIXEL, word) for word in ("length", "length_short", "squared", "speed")]
    assert words == ["pixel intensity (L2)", "pixel L2", "pixel²", "Pixel speed"]
