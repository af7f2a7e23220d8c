import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.training import TokenSet


@pytest.mark.parametrize("dtype", [np.uint16, np.int64])
def test_batches_are_int64_sequences_in_raster_order(dtype):
    tokens = np.arange(3 * 2 * 4).reshape(3, 2, 4).astype(dtype)
    batch = TokenSet(torch.from_numpy(tokens)).batch(torch.tensor([2, 0]))
    assert batch.dtype == torch.int64
    assert batch.tolist() == [list(range(16, 24)), list(range(8))]


def test_moving_keeps_the_tokens():
    tokens = TokenSet(torch.ones(4, 9, dtype=torch.int64))
    assert len(tokens.to("cpu")) == 4


def test_wrong_tokens_are_refused():
    with pytest.raises(ShapeError, match=r"\(n, H, W\) or \(n, L\); got \(3,\)"):
        TokenSet(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InvalidValueError, match=r"must be integers; got torch\.float32"):
        TokenSet(torch.zeros(3, 2))
