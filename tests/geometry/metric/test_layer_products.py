import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geovq.catalogue.datasets import ImageShape
from geovq.config import VAEConfig
from geovq.geometry.metric.colouring import colour_cells
from geovq.geometry.metric.layer_products import known_layers
from geovq.geometry.metric.linearisation import LinearisationPlan, linearise
from geovq.models import LatticeVAE, initialised
from geovq.models.blocks import ResidualBlock
from tests.geometry.decoders import strided_decoder, transposed_conv_decoder
from tests.geometry.metric.test_field import orthonormal, random_lattices


def chain(*layers: nn.Module) -> nn.Sequential:
    """In float64, with weights that do not depend on the tests before."""
    torch.manual_seed(5)
    for layer in layers:
        for submodule in layer.modules():
            if isinstance(submodule, nn.Conv2d | nn.ConvTranspose2d):
                submodule.reset_parameters()
    return nn.Sequential(*layers).double().eval()


def small_vae() -> LatticeVAE:
    config = VAEConfig(latent_channels=3, width=8)
    return initialised(lambda: LatticeVAE(config, ImageShape(1, 20, 20), 2), 0, "tests").double().eval()


DECODERS = {
    "trained kind": small_vae().decode,
    "transposed-conv": transposed_conv_decoder(),
    "stride 3, kernel 5": strided_decoder(3, 5),
    "oblong": chain(nn.Tanh(), nn.ConvTranspose2d(3, 6, (4, 5), stride=(3, 2), padding=(1, 2)), nn.Sigmoid()),
    "no function between": chain(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.Conv2d(4, 2, 3, padding=1)),
    "padded by more and less": chain(
        nn.Conv2d(3, 4, 1, padding=1), nn.SiLU(), nn.Conv2d(4, 7, 3), nn.GELU(), nn.ConvTranspose2d(7, 5, 3, 2, 2)
    ),
    "output padding": chain(nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1), nn.Softplus()),
    "residual over pixels": chain(
        nn.ConvTranspose2d(3, 4, 4, 2, 1), ResidualBlock(4, kernel_size=3), nn.Conv2d(4, 6, 3, padding=1)
    ),
}


def plans(decoder, lattices: Tensor, basis: Tensor, **options) -> tuple[LinearisationPlan, LinearisationPlan]:
    """By the whole decoder, and by its layers."""
    whole = LinearisationPlan(colour_cells(decoder, lattices[0]), basis.to(lattices), **options)
    return whole, whole.for_layers_of(decoder, lattices[0])


@pytest.mark.parametrize("name", DECODERS)
def test_products_by_layers_are_those_of_the_whole_decoder(name):
    decoder, lattices, basis = DECODERS[name], random_lattices(7, 3, 5), orthonormal(3, 2)
    whole, by_layers = plans(decoder, lattices, basis)
    assert by_layers.cells is not None
    expected, found = linearise(decoder, lattices, whole), linearise(decoder, lattices, by_layers)
    np.testing.assert_allclose(found.means, expected.means, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.pushed, expected.pushed, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("in_bfloat16", "tolerance"), [(False, 1e-5), (True, 0.02)])
def test_single_precision_rounds_them(in_bfloat16, tolerance):
    decoder, lattices = small_vae().float().decode, random_lattices(3, 3, 5).float()
    exact, _ = plans(small_vae().decode, lattices.double(), torch.eye(3))
    expected = linearise(small_vae().decode, lattices.double(), exact).pushed
    _, by_layers = plans(decoder, lattices, torch.eye(3), in_bfloat16=in_bfloat16)
    found = linearise(decoder, lattices, by_layers)
    assert by_layers.cells is not None
    assert found.pushed.dtype == torch.float32
    assert (found.pushed - expected).norm() < tolerance * expected.norm()


class Flattering(nn.Module):
    """Decodes by two layers and names one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = transposed_conv_decoder()

    def decode(self, lattices: Tensor) -> Tensor:
        return self.inner(lattices).square()

    def decode_layers(self) -> tuple[nn.Module, ...]:
        return tuple(self.inner.children())


def test_layers_that_are_not_the_decoder_are_not_believed():
    decoder, lattices = Flattering().eval().decode, random_lattices(1, 3, 5)
    assert known_layers(decoder) is not None
    whole, by_layers = plans(decoder, lattices, torch.eye(3))
    assert by_layers is whole


@pytest.mark.parametrize(
    "decoder",
    [
        lambda lattices: lattices,
        small_vae().decode_logits,
        chain(nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect")),
        chain(nn.Conv2d(3, 2, 3, stride=2)),
        chain(nn.ConvTranspose2d(3, 3, 4, groups=3)),
        chain(nn.Conv2d(3, 2, 3, dilation=2)),
        chain(nn.Conv2d(3, 2, 3, padding="same")),
        chain(nn.ReLU(inplace=True)),
        chain(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4)),
    ],
)
def test_other_decoders_are_differentiated_as_a_whole(decoder):
    assert known_layers(decoder) is None
