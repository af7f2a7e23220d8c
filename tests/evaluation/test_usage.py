import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation import token_usage

N_CODES = 6
token_arrays = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5), elements=st.integers(0, N_CODES - 1)
)


@given(token_arrays)
def test_counts_and_entropies_equal_those_of_numpy_and_scipy(tokens):
    usage = token_usage(tokens, N_CODES)
    counts = np.array([(tokens == code).sum() for code in range(N_CODES)])
    np.testing.assert_array_equal(usage.counts, counts)
    np.testing.assert_allclose(usage.probabilities, counts / tokens.size, rtol=1e-12)
    np.testing.assert_allclose(usage.entropy_bits, stats.entropy(counts, base=2), rtol=1e-7, atol=1e-12)
    assert usage.n_used == len(set(tokens.ravel().tolist()))
    assert usage.n_images == len(tokens)
    for row, column in np.ndindex(*tokens.shape[1:]):
        values, times = np.unique(tokens[:, row, column], return_counts=True)
        assert usage.position_used[row, column] == len(values)
        assert usage.position_mode[row, column] == values[times.argmax()]
        np.testing.assert_allclose(
            usage.position_entropy_bits[row, column], stats.entropy(times, base=2), rtol=1e-7, atol=1e-12
        )


@given(token_arrays, st.permutations(range(N_CODES)))
def test_renaming_the_codes_moves_the_counts_and_keeps_the_entropy(tokens, names):
    names = np.array(names)
    before, after = token_usage(tokens, N_CODES), token_usage(names[tokens], N_CODES)
    np.testing.assert_array_equal(after.counts[names], before.counts)
    np.testing.assert_allclose(after.entropy_bits, before.entropy_bits, rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(after.position_used, before.position_used)


@given(token_arrays)
def test_knowing_the_position_never_costs_bits(tokens):
    """Positions are equally frequent, so their mean entropy is the one given the position, which cannot be higher."""
    usage = token_usage(tokens, N_CODES)
    assert usage.position_entropy_bits.mean() <= usage.entropy_bits + 1e-9


@given(token_arrays)
def test_perplexity_lies_between_one_and_the_used_codes(tokens):
    usage = token_usage(tokens, N_CODES)
    assert 1 - 1e-9 <= usage.perplexity <= usage.n_used * (1 + 1e-9)
    assert usage.fraction_used == usage.n_used / N_CODES


def test_equally_frequent_codes_use_log2_k_bits():
    usage = token_usage(torch.arange(64).reshape(4, 4, 4), 64)
    assert usage.entropy_bits == 6.0
    assert usage.perplexity == 64.0
    assert usage.fraction_used == 1.0
    assert (usage.position_entropy_bits == 2.0).all()


def test_a_single_code_carries_nothing():
    usage = token_usage(torch.full((3, 2, 2), 5), 8)
    assert (usage.n_used, usage.entropy_bits, usage.perplexity) == (1, 0.0, 1.0)
    assert usage.position_mode.tolist() == [[5, 5], [5, 5]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_arrays_tensors_and_every_width_of_integer_are_the_same(kind):
    tokens = np.random.default_rng(0).integers(N_CODES, size=(5, 3, 3))
    expected = token_usage(torch.from_numpy(tokens), N_CODES)
    given_array = tokens.astype(kind)
    given_array.flags.writeable = False  # as cached arrays are
    np.testing.assert_array_equal(token_usage(given_array, N_CODES).counts, expected.counts)


def test_the_summary_is_plain_numbers():
    summary = token_usage(torch.zeros(2, 2, 2, dtype=torch.int64), 4).summary()
    assert summary == {
        "n_images": 2,
        "n_codes": 4,
        "n_used": 1,
        "fraction_used": 0.25,
        "entropy_bits": 0.0,
        "perplexity": 1.0,
        "mean_position_entropy_bits": 0.0,
    }
    assert {type(value) for value in summary.values()} == {int, float}


@pytest.mark.parametrize("bad", [-1, 4, 1000])
def test_tokens_out_of_range_are_refused(bad):
    tokens = torch.zeros(2, 2, 2, dtype=torch.int64)
    tokens[1, 1, 0] = bad
    with pytest.raises(InvalidValueError, match=rf"tokens must be in \[0, 4\); got .*{bad}"):
        token_usage(tokens, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
def test_tokens_that_are_not_whole_numbers_are_refused(dtype):
    with pytest.raises(InvalidValueError, match="tokens must be whole numbers; got torch"):
        token_usage(torch.zeros(2, 2, 2, dtype=dtype), 4)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (0, 2, 2), (1, 2, 2, 2)])
def test_tokens_without_three_axes_are_refused(shape):
    with pytest.raises(ShapeError, match=r"tokens must have shape \(n, H, W\)"):
        token_usage(torch.zeros(shape, dtype=torch.int64), 4)


def test_a_codebook_without_codes_is_refused():
    with pytest.raises(InvalidValueError, match="n_codes must be at least 1; got 0"):
        token_usage(torch.zeros(1, 1, 1, dtype=torch.int64), 0)
