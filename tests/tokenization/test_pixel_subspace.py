"""Tokenizers whose active directions are those that move the picture: what is not seen decides nothing."""

import numpy as np
import pytest
import torch

import geovq
from geovq.artifacts import read_safetensors, write_safetensors
from geovq.errors import ArtifactError
from geovq.lattice import cells_of, lattices_of
from geovq.tokenization.base import FORMAT, KIND
from geovq.tokenization.local_rule import LocalRule, codes_by_all_costs, codes_by_kernel, nearest_landmarks
from tests.geometry.metric.test_pixel_directions import linear_decoder, random

SEEN = random(6, 2, seed=3)  # two channels paint, with axes that are not those of the channels
METHODS = ("euclidean", "riemannian", "weighted", "ecvq")


def lattices(n=50, size=5, seed=0):
    """Channels 2 to 5 are correlated with 0 and 1, vary more, and paint nothing."""
    seen = random(n * size * size, 2, seed=seed)
    hidden = seen @ random(2, 4, seed=1) * 2 + 3 * random(len(seen), 4, seed=seed + 7)
    return lattices_of(torch.cat([seen, hidden], dim=1), size, size)


def decoder(batch):
    return linear_decoder(torch.cat([SEEN, torch.zeros(6, 4)], dim=1))(batch)


@pytest.fixture(scope="module", params=METHODS)
def tokenizer(request):
    config = geovq.DiscretizationConfig(
        method=request.param, directions="pixel", n_codes=12, n_landmarks=400, n_neighbors=6, n_images=50, bit_price=0.1
    )
    return geovq.discretize(decoder, lattices(), config)


def test_tokens_follow_what_is_seen(tokenizer):
    assert tokenizer.subspace.n_active == 2
    tokens = tokenizer.encode(lattices(8, seed=50))
    other = lattices(8, seed=50)
    other[:, 2:] += 10 * random(8, 4, 5, 5, seed=60)
    assert torch.equal(tokenizer.encode(other), tokens)


def test_a_saved_tokenizer_gives_the_same_tokens(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.safetensors"
    tokenizer.save(path)
    tokens = tokenizer.encode(lattices(8, seed=50))
    assert torch.equal(geovq.load_tokenizer(path).encode(lattices(8, seed=50)), tokens)
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy="")
    for changes in ({"subspace.dual": torch.ones(6, 3)}, {"subspace.dual": torch.full((6, 2), torch.nan)}):
        write_safetensors(path, tensors | changes, kind=KIND, format=FORMAT, metadata=metadata)
        with pytest.raises(ArtifactError, match=r"subspace\.dual"):
            geovq.load_tokenizer(path)


def test_both_implementations_of_the_local_rule_project_alike(tokenizer):
    prices = torch.zeros(tokenizer.n_codes)
    rule = LocalRule(tokenizer.subspace, tokenizer.landmarks, tokenizer.metrics, tokenizer.codebook, prices)
    cells = cells_of(lattices(8, seed=50))
    nearest = nearest_landmarks(cells, rule.subspace, rule.landmarks)
    for one, other in zip(codes_by_kernel(cells, nearest, rule), codes_by_all_costs(cells, nearest, rule), strict=True):
        assert torch.equal(one, other)


def test_joint_search_finds_the_nearest_picture_whatever_is_hidden(tokenizer):
    """Cells paint pixels of their own and linearly, so that the best code is the one whose picture is nearest."""
    batch = lattices(8, seed=50)
    found = geovq.encode_jointly(decoder, tokenizer, batch, bit_price=0.0, n_candidates=1, precision="float32")
    gaps = cells_of(batch)[:, None, :2] - tokenizer.codebook[:, :2]
    errors = (gaps @ SEEN.T).square().sum(-1)  # (cells, K)
    np.testing.assert_allclose(
        errors.gather(1, found.reshape(-1, 1)).squeeze(1), errors.amin(dim=1), rtol=1e-3, atol=1e-4
    )
