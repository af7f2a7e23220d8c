import numpy as np
import torch

from geovq import lattice_metric
from geovq.tokenization.search.candidates import colour_groups, nearest_codes
from geovq.tokenization.search.prices import CodePrices
from geovq.tokenization.search.sweeps import ColouredMetric, QuadraticError, sweep_candidates
from tests.tokenization.search.worlds import blurring_decoder, lattices_of_cells, tokenizer_of

PRICES = CodePrices(torch.tensor([1.0, 2.0, 3.0, 3.0, 4.0]))


def one_problem(spacing: tuple[int, int], n_sweeps: int, bit_price: float = 1e-6):
    """Tokens after sweeps over one 5 x 5 lattice, and the objective that they minimise, by the dense matrix."""
    decoder, codes = blurring_decoder(), tokenizer_of(5).codebook.double()
    lattices = lattices_of_cells(1, 5, 5)
    start = torch.zeros(1, 5, 5, dtype=torch.int64)
    quantized = codes[start].permute(0, 3, 1, 2)
    with torch.no_grad():
        metric = lattice_metric(decoder, quantized, torch.eye(3), images=decoder(lattices))
    pulled_residuals = metric.pulled_residuals
    assert pulled_residuals is not None
    candidates = torch.arange(5).expand(1, 5, 5, 5)
    steps = (codes - codes[0]).expand(1, 25, 5, 3)
    groups = colour_groups((5, 5), spacing, False, torch.device("cpu"))
    coloured = ColouredMetric.of(metric.blocks, metric.neighbours, groups)
    error = QuadraticError(coloured, pulled_residuals.flatten(1, 2))
    tokens = sweep_candidates(
        error,
        steps,
        candidates,
        PRICES.of_candidates(start, candidates),
        bit_price,
        n_sweeps,
        torch.zeros(1).double(),
    )

    def objective(tokens: torch.Tensor) -> float:
        step = (codes[tokens] - codes[0]).flatten()
        linear = pulled_residuals.flatten() @ step
        return float(step @ metric.dense()[0] @ step - 2 * linear + bit_price * PRICES.table[tokens].double().sum())

    return tokens, objective


def test_no_change_of_one_cell_improves_what_sweeps_end_with():
    tokens, objective = one_problem((3, 3), n_sweeps=50)
    assert tokens.unique().numel() > 2
    for cell in range(25):
        for code in range(5):
            changed = tokens.clone()
            changed[0, cell // 5, cell % 5] = code
            assert objective(changed) >= objective(tokens) - 1e-12


def test_every_sweep_lowers_the_objective():
    objectives = []
    for n_sweeps in (1, 2, 3):
        tokens, objective = one_problem((3, 3), n_sweeps)
        objectives.append(objective(tokens))
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[-1] < objectives[0] < objective(torch.zeros(1, 5, 5, dtype=torch.int64))


def test_cells_of_one_colour_are_independent():
    """Cells three apart share no pixel: at once or one after the other in the same order, they choose the same."""
    together, _ = one_problem((3, 3), n_sweeps=2)
    groups = colour_groups((5, 5), (3, 3), False, torch.device("cpu"))
    assert len(groups) == 9
    assert sorted(torch.cat(groups).tolist()) == list(range(25))
    assert max(len(group) for group in groups) == 4
    rows, columns = torch.arange(25) // 5, torch.arange(25) % 5
    decoder, codes = blurring_decoder(), tokenizer_of(5).codebook.double()
    lattices, start = lattices_of_cells(1, 5, 5), torch.zeros(1, 5, 5, dtype=torch.int64)
    with torch.no_grad():
        images = decoder(lattices)
    metric = lattice_metric(decoder, codes[start].permute(0, 3, 1, 2), torch.eye(3), images=images)
    steps, matrix, linear = codes - codes[0], metric.dense()[0], metric.pulled_residuals.flatten()
    tokens, step = start.clone(), torch.zeros(75).double()
    for _ in range(2):
        for cell in sorted(range(25), key=lambda i: (int(rows[i]) % 3, int(columns[i]) % 3)):
            costs = []
            for code in range(5):
                step[3 * cell : 3 * cell + 3] = steps[code]
                costs.append(float(step @ matrix @ step - 2 * linear @ step) + 1e-6 * float(PRICES.table[code]))
            best = int(np.argmin(costs))
            step[3 * cell : 3 * cell + 3] = steps[best]
            tokens[0, rows[cell], columns[cell]] = best
    assert torch.equal(together, tokens)


def test_prices_in_context_keep_cells_that_touch_apart():
    groups = colour_groups((4, 6), (1, 1), True, torch.device("cpu"))
    assert [len(group) for group in groups] == [6, 6, 6, 6]
    for group in groups:
        rows, columns = group // 6, group % 6
        far = ((rows[:, None] - rows).abs() > 1) | ((columns[:, None] - columns).abs() > 1)
        assert far.sum() == len(group) * (len(group) - 1)
    assert len(colour_groups((4, 6), (1, 1), False, torch.device("cpu"))) == 1


def test_candidates_are_the_nearest_under_each_cells_own_metric():
    generator = torch.Generator().manual_seed(0)
    points, codes = torch.randn(2, 7, 3, generator=generator), torch.randn(20, 3, generator=generator)
    roots = torch.randn(2, 7, 3, 3, generator=generator)
    metrics = roots @ roots.mT
    gaps = points[:, :, None] - codes
    distances = torch.einsum("nlka,nlab,nlkb->nlk", gaps, metrics, gaps)
    expected = distances.argsort(dim=2)[:, :, :5]
    np.testing.assert_array_equal(nearest_codes(points, metrics, codes, 5), expected)
