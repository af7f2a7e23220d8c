import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.training import TokenSet


@pytest.mark.parametrize("dtype", [np.uint16, np.int64])
def test_batches_are_int64_sequences_in_raster_order(dtype):
    tokens = np.arange(3 * 2 * 4).reshape(3, 2, 4).astype(dtype)
    batch, labels = TokenSet(torch.from_numpy(tokens)).batch(torch.tensor([2, 0]))
    assert labels is None
    assert batch.dtype == torch.int64
    assert batch.tolist() == [list(range(16, 24)), list(range(8))]


def test_moving_keeps_the_tokens():
    tokens = TokenSet(torch.ones(4, 9, dtype=torch.int64))
    assert len(tokens.to("cpu")) == 4


def test_with_labels_every_sequence_comes_with_its_class():
    tokens, labels = torch.arange(12).reshape(3, 2, 2), torch.tensor([7, 8, 9])
    labelled = TokenSet(tokens, labels).subset(torch.tensor([2, 1])).to("cpu")
    sequences, classes = labelled.batch(torch.tensor([1, 0]))
    assert (sequences.tolist(), classes.tolist()) == ([[4, 5, 6, 7], [8, 9, 10, 11]], [8, 9])
    assert classes.dtype == torch.int64
    with pytest.raises(ShapeError, match=r"labels must have shape \(3,\), one per sequence; got \(2,\)"):
        TokenSet(tokens, labels[:2])


def test_wrong_tokens_are_refused():
    with pytest.raises(ShapeError, match=r"\(n, H, W\) or \(n, L\); got \(3,\)"):
        TokenSet(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InvalidValueError, match=r"must be integers; got torch\.float32"):
        TokenSet(torch.zeros(3, 2))
