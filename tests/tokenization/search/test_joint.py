import numpy as np
import pytest
import torch
from torch import nn

import geovq
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.layer_products import known_layers
from geovq.tokenization.search import CodePrices, search_jointly
from tests.geometry.decoders import GlobalDecoder
from tests.tokenization.search.worlds import (
    best_of_all,
    blurring_decoder,
    lattices_of_cells,
    linear_overlaps,
    linear_patches,
    tokenizer_of,
)

FLAT = CodePrices(torch.full((4,), 2.0))
SKEWED = CodePrices(torch.tensor([1.0, 2.0, 3.0, 3.0]))


def lagrangians(result, n_pixels: int) -> tuple[torch.Tensor, torch.Tensor]:
    before = result.error_before * n_pixels + result.bit_price * result.bits_before
    after = result.error_after * n_pixels + result.bit_price * result.bits_after
    return before, after


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("bit_price", [0.0, 0.02])
def test_most_two_by_two_lattices_of_four_codes_reach_the_best_of_all_256(bit_price, exact):
    """Cells choose one after the other, so that some images end in a local optimum, close to the best one."""
    decoder, tokenizer, lattices = linear_overlaps(), tokenizer_of(4), lattices_of_cells(32, 2, 2)
    result = search_jointly(decoder, tokenizer, lattices, None, bit_price, 4, prices=SKEWED, exact=exact)
    before, after = lagrangians(result, 64)
    with torch.no_grad():
        images = decoder(lattices)
    objectives = [best_of_all(decoder, tokenizer.codebook, x, SKEWED.table, bit_price, (2, 2))[0] for x in images]
    best = torch.tensor(objectives, dtype=torch.float64)
    assert (after >= best - 1e-9).all()
    assert (before <= best + 1e-9).double().mean() < 0.5
    assert (after <= best + 1e-9).double().mean() >= 0.7
    assert after.sum() < 1.05 * best.sum()


def test_with_a_bent_decoder_trials_stay_close_to_the_best_of_all_256():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(4), lattices_of_cells(24, 2, 2)
    with torch.no_grad():
        images = decoder(lattices)
    result = search_jointly(decoder, tokenizer, lattices, images, 0.0, 4, prices=SKEWED, exact=True)
    _, after = lagrangians(result, 64)
    objectives = [best_of_all(decoder, tokenizer.codebook, x, SKEWED.table, 0.0, (2, 2))[0] for x in images]
    best = torch.tensor(objectives, dtype=torch.float64)
    assert (after >= best * (1 - 1e-6)).all()
    assert after.sum() < 1.05 * best.sum()


@pytest.mark.parametrize("name", ["codes", "context"])
@pytest.mark.parametrize("exact", [False, True])
def test_no_image_ends_worse_than_it_began(name, exact):
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(10, 5, 4)
    result = search_jointly(decoder, tokenizer, lattices, None, 0.02, 6, prices=name, exact=exact)
    before, after = lagrangians(result, 5 * 4 * 16)
    assert (after <= before).all()
    assert after.sum() < 0.98 * before.sum()


def test_errors_and_bits_are_those_of_the_tokens():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(6, 4, 4)
    images = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    result = search_jointly(decoder, tokenizer, lattices, images)
    own = tokenizer.encode(lattices)
    with torch.no_grad():
        for tokens, errors, bits in [
            (own, result.error_before, result.bits_before),
            (result.tokens, result.error_after, result.bits_after),
        ]:
            decoded = decoder(tokenizer.decode(tokens).double())
            np.testing.assert_allclose(errors, (decoded - images).square().mean((1, 2, 3)), rtol=1e-7)
            np.testing.assert_allclose(bits, result.prices.table[tokens].double().sum((1, 2)), rtol=1e-7)
    np.testing.assert_array_equal(result.n_changed, (own != result.tokens).sum((1, 2)))
    np.testing.assert_array_equal(result.n_rounds > 0, result.n_changed > 0)


def test_independent_cells_of_a_linear_decoder_reach_the_exact_optimum():
    """Patches do not overlap, so that the best code of a cell is the nearest under W^T W, whatever the others are."""
    decoder, tokenizer, lattices = linear_patches(), tokenizer_of(20), lattices_of_cells(5, 4, 6)
    result = search_jointly(decoder, tokenizer, lattices, bit_price=0.0, n_candidates=20, n_rounds=1)
    weight = decoder.weight.detach().flatten(1)  # (3, 16)
    gaps = lattices.permute(0, 2, 3, 1)[..., None, :] - tokenizer.codebook.double()
    expected = (gaps @ weight).square().sum(-1).argmin(-1)
    np.testing.assert_array_equal(result.tokens, expected)
    assert (expected != tokenizer.encode(lattices)).any()


def test_the_price_of_bits_moves_independent_cells_by_the_same_rule():
    decoder, tokenizer, lattices = linear_patches(), tokenizer_of(4), lattices_of_cells(5, 4, 6)
    result = search_jointly(decoder, tokenizer, lattices, None, 0.3, 4, 1, prices=SKEWED)
    weight = decoder.weight.detach().flatten(1)
    gaps = lattices.permute(0, 2, 3, 1)[..., None, :] - tokenizer.codebook.double()
    expected = ((gaps @ weight).square().sum(-1) + 0.3 * SKEWED.table).argmin(-1)
    np.testing.assert_array_equal(result.tokens, expected)


def test_without_images_the_target_is_the_decoded_lattice():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(4, 4, 4)
    with torch.no_grad():
        images = decoder(lattices)
    named = geovq.encode_jointly(decoder, tokenizer, lattices, images)
    assert torch.equal(geovq.encode_jointly(decoder, tokenizer, lattices), named)


@pytest.mark.parametrize("chunk_size", [1, 3])
def test_batches_change_nothing_at_given_prices(chunk_size):
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(4), lattices_of_cells(7, 4, 5)
    whole = search_jointly(decoder, tokenizer, lattices, prices=SKEWED)
    parts = search_jointly(decoder, tokenizer, lattices, prices=SKEWED, chunk_size=chunk_size)
    assert torch.equal(whole.tokens, parts.tokens)
    alone = search_jointly(decoder, tokenizer, lattices[2:3], prices=SKEWED)
    assert torch.equal(alone.tokens, whole.tokens[2:3])


def test_the_metric_comes_close_to_trial_decoding():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(32), lattices_of_cells(12, 5, 5)
    fast = search_jointly(decoder, tokenizer, lattices, bit_price=0.0)
    slow = search_jointly(decoder, tokenizer, lattices, bit_price=0.0, exact=True)
    assert slow.error_after.mean() < 0.7 * slow.error_before.mean()
    assert fast.error_after.mean() < 1.1 * slow.error_after.mean()


def test_derivatives_in_bfloat16_lead_to_nearly_the_same_error():
    decoder, tokenizer, lattices = blurring_decoder().float(), tokenizer_of(32), lattices_of_cells(12, 5, 5).float()
    whole = search_jointly(decoder, tokenizer, lattices, bit_price=0.0, precision="float32")
    rounded = search_jointly(decoder, tokenizer, lattices, bit_price=0.0, precision="bfloat16")
    assert whole.error_after.mean() < 0.8 * whole.error_before.mean()
    assert rounded.error_after.mean() < 1.05 * whole.error_after.mean()


def test_a_global_decoder_is_searched_cell_by_cell():
    decoder, tokenizer, lattices = GlobalDecoder().eval(), tokenizer_of(12), lattices_of_cells(6, 4, 4)
    result = search_jointly(decoder, tokenizer, lattices, bit_price=0.0)
    assert (result.error_after <= result.error_before).all()
    assert result.error_after.mean() < 0.7 * result.error_before.mean()


class _Rounded(torch.autograd.Function):
    """Exponential without a forward derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.exp()

    @staticmethod
    def backward(ctx, gradient):
        raise AssertionError("never called")


@pytest.mark.parametrize(
    "opaque",
    [
        _Rounded.apply,
        lambda images: torch.from_numpy(np.exp(images.detach().numpy())),
        lambda images: images.detach().exp(),
    ],
    ids=["no rule", "numpy", "detached"],
)
def test_a_decoder_without_derivatives_is_tried_and_that_is_said(opaque):
    inner, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(3, 4, 4)
    result = search_jointly(lambda z: opaque(inner(z)), tokenizer, lattices, bit_price=0.0)
    assert result.searched_by == "trial decoding"
    assert "no forward-mode derivative" in result.sentence()
    assert result.error_after.mean() < 0.8 * result.error_before.mean()


def test_more_candidates_than_codes_are_all_codes_and_that_is_said():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(4), lattices_of_cells(3, 4, 4)
    result = search_jointly(decoder, tokenizer, lattices, n_candidates=50, prices=FLAT)
    assert result.n_candidates == 4
    assert "All 4 codes competed for each cell" in result.sentence()
    same = search_jointly(decoder, tokenizer, lattices, n_candidates=4, prices=FLAT)
    assert torch.equal(result.tokens, same.tokens)


def test_a_price_that_leaves_one_code_is_named():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(4), lattices_of_cells(6, 4, 4)
    result = search_jointly(decoder, tokenizer, lattices, bit_price=1e6, n_candidates=4)
    assert result.n_codes_used == 1
    assert "only code" in result.sentence()


def test_one_code_is_no_choice():
    decoder, lattices = blurring_decoder(), lattices_of_cells(2, 4, 4)
    result = search_jointly(decoder, tokenizer_of(1), lattices)
    assert not result.tokens.any()
    assert not result.n_changed.any()


def test_learned_prices_are_those_of_the_tokens_they_lead_to():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(60, 4, 4)
    result = search_jointly(decoder, tokenizer, lattices, bit_price=0.02)
    entropy = CodePrices.of(result.tokens, 12).bits(result.tokens).sum()
    assert result.bits_after.sum() < 1.01 * entropy
    assert result.bits_after.mean() < result.bits_before.mean()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"tokenizer": tokenizer_of(4, channels=5)}, ShapeError, "lattices must have 5 channels"),
        ({"images": torch.zeros(2, 1, 16, 16)}, ShapeError, "images must be those of the lattices"),
        ({"images": torch.full((3, 1, 16, 16), torch.nan)}, NonFiniteError, "images contain NaN"),
        ({"bit_price": -0.1}, InvalidValueError, "bit_price must be a number of at least 0"),
        ({"bit_price": float("nan")}, InvalidValueError, "bit_price must be a number of at least 0"),
        ({"n_candidates": 0}, InvalidValueError, "n_candidates must be at least 1"),
        ({"n_rounds": 0}, InvalidValueError, "n_rounds must be at least 1"),
        ({"precision": "half"}, InvalidValueError, "'auto', 'float32' or 'bfloat16'"),
        ({"prices": "free"}, InvalidValueError, "'codes', 'context'"),
        ({"prices": CodePrices(torch.ones(7))}, InvalidValueError, "prices are of 7 codes, but the tokenizer has 4"),
        ({"lattices": torch.full((3, 3, 4, 4), torch.nan)}, NonFiniteError, "lattices contain NaN"),
        ({"basis": torch.eye(4)}, ShapeError, "basis must have 3 rows"),
        ({"decoder": nn.Sequential(blurring_decoder()).train()}, InvalidValueError, "train mode"),
    ],
)
def test_bad_input_is_named(change, error, message):
    arguments = {
        "decoder": blurring_decoder(),
        "tokenizer": tokenizer_of(4),
        "lattices": lattices_of_cells(3, 4, 4),
    } | change
    with pytest.raises(error, match=message):
        search_jointly(**arguments)


def test_a_decoder_that_names_its_layers_leads_to_the_tokens_of_one_that_does_not():
    decoder, tokenizer, lattices = blurring_decoder(), tokenizer_of(12), lattices_of_cells(9, 5, 4)
    assert known_layers(decoder) is not None
    named = search_jointly(decoder, tokenizer, lattices, bit_price=0.01, prices="context")
    unnamed = search_jointly(lambda z: decoder(z), tokenizer, lattices, bit_price=0.01, prices="context")
    assert torch.equal(named.tokens, unnamed.tokens)
    assert named.n_changed.sum() > 0
