import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.runs import open_run
from geovq.tokenization.base import look_up
from geovq.tokenization.nearest_code import NearestCodeTokenizer

CODEBOOK = torch.arange(12.0).reshape(4, 3)
TOKENS = np.array([[[0, 3], [1, 2]]])
TOKENIZER = NearestCodeTokenizer("kmeans", CODEBOOK)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">i4", ">u2"])
def test_tokens_of_every_integer_type_are_the_same_lattices(kind):
    expected = CODEBOOK[torch.from_numpy(TOKENS)].permute(0, 3, 1, 2)
    assert torch.equal(look_up(CODEBOOK, TOKENS.astype(kind)), expected)
    if ">" not in kind:
        assert torch.equal(look_up(CODEBOOK, torch.from_numpy(TOKENS.astype(kind))), expected)


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        (TOKENS.astype(float), InvalidValueError, "tokens must be integers; got torch.float64"),
        (TOKENS > 1, InvalidValueError, "tokens must be integers; got torch.bool"),
        (TOKENS.astype(str), InvalidValueError, "tokens must hold numbers"),
        ([[[0]]], InvalidValueError, "tokens must be a tensor or a NumPy array; got list"),
        (TOKENS[0], ShapeError, r"tokens must have shape \(n, H, W\); got \(2, 2\)"),
        (TOKENS.astype("u1") + np.uint8(252), InvalidValueError, r"tokens must be in \[0, 4\), .* got 252 to 255"),
        (torch.full((1, 1, 1), 4, dtype=torch.uint16), InvalidValueError, "got 4 to 4"),
        (np.full((1, 1, 1), 2**64 - 1, dtype="u8"), InvalidValueError, r"tokens must be below 2\^63"),
        (TOKENS - 1, InvalidValueError, "got -1 to 2"),
    ],
)
def test_what_names_no_code_is_refused(tokens, error, message):
    with pytest.raises(error, match=message):
        look_up(CODEBOOK, tokens)


@pytest.mark.parametrize("kind", ["f4", "f8", ">f4"])
def test_lattices_of_numpy_have_the_tokens_of_tensors(kind):
    lattices = np.random.default_rng(0).normal(5, 4, (2, 3, 4, 4)).astype(kind)
    expected = TOKENIZER.encode(torch.from_numpy(lattices.astype("f8")).float())
    assert torch.equal(TOKENIZER.encode(lattices), expected)
    turned = lattices[:, :, ::-1]  # which torch cannot take as it is
    assert torch.equal(TOKENIZER.encode(turned), expected.flip(1))


def test_the_tokens_of_a_run_can_be_given_back(tiny_run):
    run = open_run(tiny_run)
    for name in ("kmeans", "riemannian"):
        with np.load(tiny_run / "tokens" / f"{name}.npz") as arrays:
            stored = arrays["test"]
        tokenizer = run.tokenizers[name]
        assert stored.dtype == np.uint8
        assert torch.equal(tokenizer.decode(stored), tokenizer.decode(torch.from_numpy(run.tokens(name, "test"))))
