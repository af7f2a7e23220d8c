import itertools

import numpy as np
import pytest
import torch

from geovq.config import PriorConfig
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.models import LatticePrior
from geovq.tokenization.search import CodePrices, ContextPrices, PriorPrices, prior_prices


def striped_tokens(n: int, height: int = 5, width: int = 6, n_codes: int = 6) -> torch.Tensor:
    """Rows repeat a code with probability 0.8, so that a token says much about the one to its right."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(n_codes, (n, height, width), generator=generator)
    repeats = torch.rand(n, height, width, generator=generator) < 0.8
    for column in range(1, width):
        tokens[:, :, column] = torch.where(repeats[:, :, column], tokens[:, :, column - 1], tokens[:, :, column])
    return tokens


def test_code_prices_are_the_entropy_of_the_tokens_they_come_from():
    tokens = torch.tensor([0, 0, 0, 1]).repeat(500).reshape(20, 10, 10)
    bits = CodePrices.of(tokens, 2).bits(tokens)
    np.testing.assert_allclose(bits.sum() / 2000, 0.75 * np.log2(4 / 3) + 0.25 * 2, rtol=1e-3)


def test_prices_in_context_are_a_code_for_all_lattices():
    """Probabilities of every lattice of 2 x 2 tokens of three codes sum to one."""
    prices = ContextPrices.of(striped_tokens(20, 4, 4, 3), 3)
    every = torch.tensor(list(itertools.product(range(3), repeat=4))).reshape(-1, 2, 2)
    np.testing.assert_allclose((2 ** -prices.bits(every)).sum(), 1.0, rtol=1e-5)


def test_context_is_cheaper_where_neighbours_tell_something_and_costs_little_where_not():
    train, test = striped_tokens(400).split(200)
    frequent, context = CodePrices.of(train, 6).bits(test).mean(), ContextPrices.of(train, 6).bits(test).mean()
    assert context < 0.75 * frequent
    noise = torch.randint(6, (400, 5, 6), generator=torch.Generator().manual_seed(2))
    train, test = noise.split(200)
    frequent, context = CodePrices.of(train, 6).bits(test).mean(), ContextPrices.of(train, 6).bits(test).mean()
    assert context < 1.02 * frequent


@pytest.mark.parametrize("kind", [CodePrices, ContextPrices])
def test_differences_between_candidates_are_those_of_whole_lattices(kind):
    tokens = striped_tokens(3)
    prices = kind.of(striped_tokens(50), 6)
    candidates = torch.arange(6).expand(3, 5, 6, 6)
    cells = torch.arange(30)
    of_cells = prices.of_candidates(tokens, candidates)(tokens, cells)  # (3, 30, 6)
    whole = torch.empty(3, 30, 6, dtype=torch.float64)
    for cell, code in itertools.product(range(30), range(6)):
        changed = tokens.clone()
        changed[:, cell // 6, cell % 6] = code
        whole[:, cell, code] = prices.bits(changed)
    np.testing.assert_allclose(of_cells - of_cells[..., :1], whole - whole[..., :1], rtol=1e-4, atol=1e-4)


def new_prior(**options) -> LatticePrior:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = PriorConfig(n_layers=1, n_heads=2, width=16, class_conditional=bool(options))
        prior = LatticePrior(config, 6, 3, 4, **options)
        torch.nn.init.normal_(prior.head.weight)  # far from uniform
    return prior.eval()


def test_a_prior_prices_each_token_by_those_before_it():
    prior, tokens = new_prior(), striped_tokens(5, 3, 4)
    prices = prior_prices(prior)
    with torch.no_grad():
        nats = -prior(tokens.flatten(1)).log_softmax(2).gather(2, tokens.flatten(1)[..., None]).sum((1, 2))
    np.testing.assert_allclose(prices.bits(tokens), nats / np.log(2), rtol=1e-5)
    candidates = torch.arange(6).expand(5, 3, 4, 6)
    bits = prices.of_candidates(tokens, candidates)(tokens, torch.arange(12))
    np.testing.assert_allclose((2**-bits).sum(2), 1.0, rtol=1e-5)
    own = bits.gather(2, tokens.flatten(1)[..., None]).sum((1, 2))
    np.testing.assert_allclose(own, prices.bits(tokens), rtol=1e-5)


def test_priors_that_cannot_price_are_named():
    with pytest.raises(InvalidValueError, match="train mode"):
        prior_prices(new_prior().train())
    with pytest.raises(InvalidValueError, match="class_conditional = false"):
        prior_prices(new_prior(class_counts=[3, 3]))
    with pytest.raises(ShapeError, match="lattices of 3 by 4 tokens"):
        prior_prices(new_prior()).bits(striped_tokens(2, 4, 4))


def test_prices_that_are_none_are_named():
    with pytest.raises(NonFiniteError, match="finite and not negative"):
        CodePrices(torch.tensor([1.0, torch.inf]))
    with pytest.raises(NonFiniteError, match="finite and not negative"):
        CodePrices(torch.tensor([1.0, -1.0]))
    with pytest.raises(ShapeError, match=r"shape \(K,\)"):
        CodePrices(torch.ones(2, 2))
    with pytest.raises(ShapeError, match="bits of every candidate"):
        PriorPrices(lambda tokens, candidates: torch.ones(3)).bits(striped_tokens(2))
    with pytest.raises(NonFiniteError, match="NaN or infinite bits"):
        PriorPrices(lambda tokens, candidates: candidates * torch.nan).bits(striped_tokens(2))
