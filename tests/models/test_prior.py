import math
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from geovq.config import PriorConfig
from geovq.errors import InvalidValueError, ShapeError
from geovq.models.prior import LatticePrior
from geovq.randomness import make_generator

N_CODES, HEIGHT, WIDTH = 5, 3, 4
FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


def build_prior(std: float | None = 0.3, class_counts: tuple[int, ...] | None = None, **settings) -> LatticePrior:
    """Small prior; weights of size `std` make every path matter, None keeps the initialisation."""
    conditional = {"class_conditional": class_counts is not None}
    config = PriorConfig(**{"n_layers": 2, "n_heads": 2, "width": 16, "dropout": 0.0} | conditional | settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        prior = LatticePrior(config, N_CODES, HEIGHT, WIDTH, class_counts=class_counts).eval()
    if std is not None:
        generator = make_generator(0, "weights")
        with torch.no_grad():
            for weights in prior.parameters():
                weights.normal_(std=std, generator=generator)
    return prior


def draw_tokens(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(N_CODES, (n, HEIGHT * WIDTH), generator=make_generator(seed, "tokens"))


def cached_logits(prior: LatticePrior, tokens: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
    cache = prior.new_cache(len(tokens), labels)
    previous = torch.full((len(tokens),), prior.start_token)
    steps = []
    for position in range(prior.n_positions):
        steps.append(prior.step(previous, position, cache))
        previous = tokens[:, position]
    return torch.stack(steps, dim=1)


@pytest.mark.parametrize("position", [0, 1, 5, 10])
def test_a_token_changes_only_the_predictions_after_it(position):
    prior, tokens = build_prior(), draw_tokens(4)
    changed = tokens.clone()
    changed[:, position] = (tokens[:, position] + 1) % N_CODES
    before, after = prior(tokens), prior(changed)
    torch.testing.assert_close(after[:, : position + 1], before[:, : position + 1], **FLOAT32)
    moved = (after - before).abs().amax(dim=(0, 2))
    assert (moved[position + 1 :] > 1e-3).all()  # attention reaches every later position


def test_the_first_prediction_knows_no_token():
    logits = build_prior()(draw_tokens(6))
    torch.testing.assert_close(logits[:, 0], logits[:1, 0].expand(6, -1), **FLOAT32)


def test_cached_steps_give_the_logits_of_the_whole_pass():
    prior, tokens = build_prior(), draw_tokens(3)
    torch.testing.assert_close(cached_logits(prior, tokens), prior(tokens), **FLOAT32)


def test_cached_steps_give_the_logits_of_the_whole_pass_for_each_class():
    prior, tokens, labels = build_prior(class_counts=(1, 1, 1)), draw_tokens(4), torch.tensor([2, 0, 1, 1])
    torch.testing.assert_close(cached_logits(prior, tokens, labels), prior(tokens, labels), **FLOAT32)


def test_going_back_in_the_cache_forgets_what_followed():
    prior, (first, second) = build_prior(), draw_tokens(2).split(1)
    cache = prior.new_cache(1)
    previous = [torch.tensor([prior.start_token]), *first[0].split(1)]
    for position in range(4):
        prior.step(previous[position], position, cache)
    branch = torch.cat([first[:, :2], second[:, 2:]], dim=1)
    logits = [prior.step(branch[:, position - 1], position, cache) for position in range(2, 5)]
    torch.testing.assert_close(torch.stack(logits, dim=1), prior(branch)[:, 2:5], **FLOAT32)


def test_rows_of_a_batch_do_not_interact():
    prior, tokens = build_prior(), draw_tokens(5)
    alone = torch.cat([prior(row) for row in tokens.split(1)])
    torch.testing.assert_close(prior(tokens), alone, **FLOAT32)


def test_one_block_equals_the_textbook_formula():
    prior, tokens = build_prior(n_layers=1), draw_tokens(2)
    block, channels, n_heads = prior.blocks[0], 16, 2
    start = torch.full((2, 1), N_CODES)
    embedded = prior.token_embedding(torch.cat([start, tokens[:, :-1]], dim=1))
    where = prior.row_embedding.weight[:, None] + prior.column_embedding.weight[None]  # (H, W, channels)
    x = embedded + where.reshape(-1, channels)
    q, k, v = block.attention.to_queries_keys_values(block.norm_attention(x)).chunk(3, dim=-1)
    heads = []
    for columns in torch.arange(channels).chunk(n_heads):
        scores = q[..., columns] @ k[..., columns].mT / math.sqrt(channels / n_heads)
        future = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
        heads.append(scores.masked_fill(future, -math.inf).softmax(dim=-1) @ v[..., columns])
    x = x + block.attention.to_residual(torch.cat(heads, dim=-1))
    hidden = F.gelu(block.feedforward.expand(block.norm_feedforward(x)))
    x = x + block.feedforward.to_residual(hidden)
    torch.testing.assert_close(prior(tokens), prior.norm(x) @ prior.head.weight.T, **FLOAT32)


def test_a_label_moves_every_prediction_of_its_own_row_only():
    prior, tokens = build_prior(class_counts=(1, 1, 1)), draw_tokens(1).expand(2, -1)
    before, after = prior(tokens, torch.tensor([0, 1])), prior(tokens, torch.tensor([0, 2]))
    torch.testing.assert_close(after[0], before[0], **FLOAT32)
    assert ((after[1] - before[1]).abs().amax(dim=1) > 1e-3).all()


def test_a_class_adds_its_embedding_to_every_input():
    prior, tokens, labels = build_prior(class_counts=(1, 1)), draw_tokens(2), torch.tensor([1, 1])
    plain = build_prior()
    state = prior.state_dict()
    shift = state.pop("class_embedding.weight")[1]
    plain.load_state_dict(state)
    with torch.no_grad():
        plain.token_embedding.weight += shift
    torch.testing.assert_close(prior(tokens, labels), plain(tokens), **FLOAT32)


def test_a_prior_without_classes_has_no_weights_for_them():
    plain, conditional = build_prior().state_dict(), build_prior(class_counts=(1, 1)).state_dict()
    assert set(conditional) - set(plain) == {"class_embedding.weight"}


def test_two_classes_of_constant_lattices_are_told_apart():
    prior, labels = build_prior(std=None, class_counts=(1, 1)).train(), torch.tensor([0, 1])
    tokens = torch.tensor([[3], [1]]).expand(2, HEIGHT * WIDTH)  # all threes, all ones
    optimizer = torch.optim.Adam(prior.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(prior(tokens, labels).mT, tokens).backward()
        optimizer.step()
    with torch.no_grad():
        right, wrong = (
            F.cross_entropy(prior(tokens, told).mT, tokens, reduction="none")[:, 0] for told in (labels, 1 - labels)
        )
    assert float(right.max()) < 0.05  # from the label alone, before any token is known
    assert float(wrong.min()) > 3


@torch.no_grad()
def test_an_untrained_prior_is_close_to_uniform():
    prior, tokens = build_prior(std=None), draw_tokens(64)
    nll = F.cross_entropy(prior(tokens).flatten(0, 1), tokens.flatten())
    assert float(nll) == pytest.approx(math.log(N_CODES), rel=0.02)  # weights of size 0.02 leave small logits


@torch.no_grad()
def test_residual_projections_start_smaller_the_deeper_the_model():
    for n_layers in (1, 4):
        prior = build_prior(std=None, n_layers=n_layers, width=64)
        weights = [w.flatten() for name, w in prior.named_parameters() if name.endswith("to_residual.weight")]
        assert len(weights) == 2 * n_layers
        # rel 0.05: standard deviation of at least 20,000 draws
        assert float(torch.cat(weights).std()) == pytest.approx(0.02 / math.sqrt(2 * n_layers), rel=0.05)


def test_dropout_acts_in_training_only():
    prior, tokens = build_prior(dropout=0.5), draw_tokens(2)
    torch.testing.assert_close(prior(tokens), prior(tokens), rtol=0, atol=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = prior.train()(tokens), prior(tokens)
    assert not torch.allclose(first, second)


def test_counting_sequences_are_learned():
    prior = build_prior(std=None).train()
    tokens = (torch.arange(N_CODES)[:, None] + torch.arange(HEIGHT * WIDTH)) % N_CODES  # every first token, then +1
    optimizer = torch.optim.Adam(prior.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(prior(tokens).flatten(0, 1), tokens.flatten()).backward()
        optimizer.step()
    with torch.no_grad():
        nll = F.cross_entropy(prior(tokens).mT, tokens, reduction="none").mean(dim=0)  # (L,)
    assert float(nll[0]) == pytest.approx(math.log(N_CODES), rel=0.02)  # the first token cannot be known
    assert float(nll[1:].max()) < 0.05  # every other one can


def test_the_start_token_is_one_past_the_codes():
    prior = build_prior()
    assert prior.start_token == prior.n_codes == N_CODES
    assert prior(draw_tokens(1)).shape == (1, HEIGHT * WIDTH, N_CODES)  # and is never predicted


@pytest.mark.parametrize("shape", [(2, 11), (2, 3, 4), (12,)])
def test_sequences_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match=r"tokens of shape \(B, 12\), the 3 by 4 cells"):
        build_prior()(torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize("stranger", [-1, N_CODES])
def test_tokens_out_of_range_are_refused(stranger):
    prior, tokens = build_prior(), draw_tokens(2)
    tokens[1, 3] = stranger
    with pytest.raises(InvalidValueError, match=r"must be in \[0, 5\), the codes of this prior; got values from"):
        prior(tokens)


def test_tokens_of_another_type_are_refused():
    with pytest.raises(InvalidValueError, match="must be int64; got float32"):
        build_prior()(draw_tokens(2).float())


def test_a_step_refuses_what_does_not_follow():
    prior = build_prior()
    start = torch.full((2,), prior.start_token)
    with pytest.raises(InvalidValueError, match="in order; got position 1 with 0 in the cache"):
        prior.step(torch.zeros(2, dtype=torch.int64), 1, prior.new_cache(2))
    with pytest.raises(InvalidValueError, match="in order; got position -1"):
        prior.step(start, -1, prior.new_cache(2))
    with pytest.raises(InvalidValueError, match="stands the start token, 5"):
        prior.step(torch.zeros(2, dtype=torch.int64), 0, prior.new_cache(2))
    with pytest.raises(ShapeError, match=r"shape \(3,\); got \(2,\)"):
        prior.step(start, 0, prior.new_cache(3))
    full = prior.new_cache(2)
    for position, previous in enumerate([start, *draw_tokens(2).T[:-1]]):
        prior.step(previous, position, full)
    with pytest.raises(InvalidValueError, match="got position 12 with 12 in the cache"):
        prior.step(draw_tokens(2)[:, -1], 12, full)


@pytest.mark.parametrize("sizes", [(0, 7, 7), (4, 0, 7), (4, 7, 0)])
def test_an_empty_lattice_or_codebook_is_refused(sizes):
    with pytest.raises(InvalidValueError, match="at least 1; got"):
        LatticePrior(PriorConfig(), *sizes)


def test_a_cache_holds_keys_and_values_of_every_block():
    prior = build_prior(n_layers=3)
    cache = prior.new_cache(2)
    assert cache.batch_size == 2
    assert [(layer.keys.shape, layer.values.shape) for layer in cache.layers(0)] == [((2, 2, 12, 8), (2, 2, 12, 8))] * 3
    for one, other in pairwise(cache.layers(0)):
        assert one.keys.data_ptr() != other.keys.data_ptr()


@pytest.mark.parametrize(
    ("class_counts", "labels", "error", "message"),
    [
        ((1, 1), None, InvalidValueError, "for each of 2 classes, so it needs the label of every sequence; got none"),
        (None, [0, 0], InvalidValueError, "trained without classes, so it takes no labels"),
        ((1, 1), [0], ShapeError, r"one label per sequence, shape \(2,\); got \(1,\)"),
        ((1, 1), [0, 2], InvalidValueError, r"Labels must be in \[0, 2\), the classes of this prior; got .* 0 to 2"),
        ((1, 1), [0.0, 1.0], InvalidValueError, "Labels must be int64; got float32"),
    ],
)
def test_labels_that_do_not_fit_are_refused(class_counts, labels, error, message):
    prior, labels = build_prior(class_counts=class_counts), None if labels is None else torch.tensor(labels)
    with pytest.raises(error, match=message):
        prior(draw_tokens(2), labels)
    with pytest.raises(error, match=message):
        prior.new_cache(2, labels)


def test_class_counts_must_fit_the_config_and_count_something():
    with pytest.raises(InvalidValueError, match=r"only if config\.class_conditional, which is False"):
        LatticePrior(PriorConfig(), N_CODES, HEIGHT, WIDTH, class_counts=(1, 1))
    with pytest.raises(InvalidValueError, match="which is True; got None"):
        LatticePrior(PriorConfig(class_conditional=True), N_CODES, HEIGHT, WIDTH)
    for nothing in ((), (0, 0), (2, -1)):
        with pytest.raises(InvalidValueError, match="must be the training examples of each class"):
            build_prior(class_counts=nothing)
