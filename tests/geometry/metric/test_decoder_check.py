import pytest
import torch
from torch import nn

from geovq.errors import DeviceError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.decoder_check import check_decoder
from tests.geometry.decoders import SmallMemory, patch_decoder


def lattices(n: int = 3, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)


def with_batch_norm() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(3), patch_decoder()).double()


def test_a_decoder_in_train_mode_is_refused():
    with pytest.raises(InvalidValueError, match=r"train mode; call \.eval\(\)"):
        check_decoder(patch_decoder().train(), lattices())


def test_a_part_left_in_train_mode_is_refused():
    decoder = with_batch_norm().eval()
    decoder[0].train()
    with pytest.raises(InvalidValueError, match="train mode"):
        check_decoder(decoder, lattices())


def test_a_method_of_a_module_in_train_mode_is_refused():
    with pytest.raises(InvalidValueError, match="train mode"):
        check_decoder(patch_decoder().train().forward, lattices())


@pytest.mark.parametrize("n", [1, 3, 9])
def test_layers_that_mix_rows_are_found_whatever_the_batch(n):
    mixing = with_batch_norm().train()
    with pytest.raises(InvalidValueError, match="depends on the others in its batch"):
        check_decoder(lambda z: mixing(z), lattices(n))


def test_rows_of_faint_images_must_not_mix_either():
    decode = patch_decoder()
    with pytest.raises(InvalidValueError, match="depends on the others in its batch"):
        check_decoder(lambda z: 1e-6 * decode(z - z.mean(dim=0)), lattices())


def test_dropout_is_found():
    dropping = nn.Dropout(0.5).train()
    with pytest.raises(InvalidValueError, match="dropout in train mode"):
        check_decoder(lambda z: patch_decoder()(dropping(z)), lattices())


def test_batch_norm_in_eval_mode_is_fine():
    check_decoder(with_batch_norm().eval(), lattices())


def test_memory_for_two_lattices_is_enough():
    check_decoder(SmallMemory(patch_decoder(), capacity=2), lattices(8))


def test_lattices_on_another_device_are_named():
    with pytest.raises(DeviceError, match=r"decoder is on cpu and the lattices are on meta.*lattices\.to\('cpu'\)"):
        check_decoder(patch_decoder(), lattices().to("meta"))
    with pytest.raises(DeviceError, match="decoder is on meta and the lattices are on cpu"):
        check_decoder(patch_decoder().to("meta"), lattices())


def test_lattices_of_another_type_are_named():
    with pytest.raises(InvalidValueError, match=r"in float64 and the lattices are float32.*decoder\.float\(\)"):
        check_decoder(patch_decoder(), lattices().float())
    with pytest.raises(InvalidValueError, match=r"float32 or float64.*got int64\. Tokens become lattices"):
        check_decoder(patch_decoder(), lattices().long())
    with pytest.raises(InvalidValueError, match=r"torch tensor; got ndarray.*from_numpy"):
        check_decoder(patch_decoder(), lattices().numpy())


def test_a_failure_that_is_the_decoders_own_is_left_as_it_is():
    with pytest.raises(RuntimeError, match="channels"):
        check_decoder(patch_decoder(channels=5), lattices())


def test_numbers_that_are_not_finite_are_named():
    decode = patch_decoder()
    with pytest.raises(NonFiniteError, match="lattices contain NaN"):
        check_decoder(decode, lattices() * torch.nan)
    with pytest.raises(NonFiniteError, match="decoder returned NaN or infinity; load another checkpoint"):
        check_decoder(lambda z: decode(z) / 0, lattices())


def test_shapes_are_named():
    decode = patch_decoder()
    with pytest.raises(ShapeError, match=r"\(B, D, H, W\)"):
        check_decoder(decode, lattices()[0])
    with pytest.raises(ShapeError, match=r"at least one lattice, channel and cell; got \(0, 3, 4, 4\)"):
        check_decoder(decode, lattices(0))
    with pytest.raises(ShapeError, match=r"one row per lattice; got \(1, 2, 16, 16\) for 4 lattices"):
        check_decoder(lambda z: decode(z[:1]), lattices())
    with pytest.raises(ShapeError, match="one row per lattice; got tuple"):
        check_decoder(lambda z: (decode(z),), lattices())
