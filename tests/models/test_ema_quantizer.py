import pytest
import torch

from geovq.errors import InvalidValueError
from geovq.lattice import lattices_of
from geovq.models.ema_quantizer import N_WARM_UP_STEPS, EMAQuantizer, kmeans_start
from geovq.randomness import make_generator

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}


def quantizer_at(codebook, *, decay=0.5, restart_below=0.0, counts=None):
    """A quantizer past its warm-up, with given codes and averages."""
    codebook = torch.tensor(codebook)
    quantizer = EMAQuantizer(*codebook.shape, decay=decay, restart_below=restart_below)
    counts = torch.ones(len(codebook)) if counts is None else torch.tensor(counts)
    quantizer.codebook.copy_(codebook)
    quantizer.counts.copy_(counts)
    quantizer.sums.copy_(codebook * counts[:, None])
    quantizer.n_steps.fill_(N_WARM_UP_STEPS + 1)
    return quantizer


def row_of_cells(*values):
    """One lattice of one channel with these cells, side by side."""
    return torch.tensor(values).reshape(1, 1, 1, -1)


def noise(stream="test"):
    return make_generator(0, stream)


def test_moving_averages_of_a_case_by_hand():
    quantizer = quantizer_at([[0.0], [10.0]], decay=0.5)
    # Code 0 gets 1 and 2, code 1 gets 12: counts (1+2)/2 and (1+1)/2, sums (0+3)/2 and (10+12)/2.
    quantizer(row_of_cells(1.0, 2.0, 12.0), noise())
    torch.testing.assert_close(quantizer.counts, torch.tensor([1.5, 1.0]), **FLOAT32)
    torch.testing.assert_close(quantizer.sums, torch.tensor([[1.5], [11.0]]), **FLOAT32)
    torch.testing.assert_close(quantizer.codebook, torch.tensor([[1.0], [11.0]]), **FLOAT32)


def test_an_unused_code_stays_where_it_is_when_restarts_are_off():
    quantizer = quantizer_at([[0.0], [10.0], [100.0]])
    for _ in range(40):
        quantizer(row_of_cells(0.0, 10.0), noise())
    assert torch.isfinite(quantizer.codebook).all()
    assert quantizer.counts[2] < 1e-9


def test_a_dead_code_restarts_at_a_current_cell():
    quantizer = quantizer_at([[0.0], [1000.0]], counts=[1.0, 1e-6], restart_below=0.1)
    quantizer(row_of_cells(1.0, 2.0, 3.0), noise())
    assert min(abs(quantizer.codebook[1, 0].item() - value) for value in (1.0, 2.0, 3.0)) < 1e-4
    assert quantizer.counts[1] > 0.1 * quantizer.counts.mean()  # not idle again at once


def test_a_used_code_does_not_restart():
    on, off = (quantizer_at([[0.0], [10.0]], restart_below=share) for share in (0.1, 0.0))
    for quantizer in (on, off):
        quantizer(row_of_cells(1.0, 2.0, 12.0), noise())
    assert torch.equal(on.codebook, off.codebook)


def test_kmeans_start_finds_separate_clusters():
    generator = make_generator(2, "clusters")
    centers = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    cells = centers.repeat_interleave(200, dim=0) + torch.randn(600, 2, generator=generator)
    # More codes than clusters: every cluster has one, whichever cells the draw begins with.
    found, counts = kmeans_start(cells, 12, generator)
    assert counts.sum() == 600
    assert torch.cdist(centers, found).min(dim=1).values.max() < 3


def test_kmeans_start_does_not_move_from_a_fixed_point():
    cells = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    found, counts = kmeans_start(cells, 2, noise())
    assert sorted(found.flatten().tolist()) == [0.5, 10.5]
    assert counts.tolist() == [2.0, 2.0]


def test_warm_up_passes_the_lattices_on_and_then_quantizes():
    quantizer = EMAQuantizer(4, 2, decay=0.9, restart_below=0.1)
    z = torch.randn(4, 2, 3, 3, generator=noise()).requires_grad_()
    for step in range(N_WARM_UP_STEPS):
        quantized = quantizer(z, noise(f"{step}"))
        assert torch.equal(quantized.lattices, z)
        assert not quantized.commitment.requires_grad
    quantized = quantizer(z, noise("last"))
    assert quantized.commitment.requires_grad
    assert len(quantized.lattices.permute(0, 2, 3, 1).reshape(-1, 2).round(decimals=4).unique(dim=0)) == 4


def test_the_codebook_is_usable_from_the_first_step_on():
    quantizer = EMAQuantizer(2, 1, decay=0.9, restart_below=0.1)
    cells = row_of_cells(0.0, 1.0, 10.0, 11.0)
    quantizer(cells, noise())
    torch.testing.assert_close(quantizer.codebook.sort(dim=0).values, torch.tensor([[0.5], [10.5]]), **FLOAT32)
    torch.testing.assert_close(quantizer.eval()(cells).commitment, torch.tensor(1.0), **FLOAT32)


def test_more_codes_than_cells_stay_finite_and_come_alive():
    quantizer = EMAQuantizer(8, 2, decay=0.5, restart_below=0.1)
    few = torch.randn(4, 2, generator=noise())
    for _ in range(3):
        quantizer(lattices_of(few, 2, 2), noise())
    assert torch.isfinite(quantizer.codebook).all()
    quantizer.n_steps.fill_(N_WARM_UP_STEPS + 1)
    many = torch.randn(400, 2, generator=noise("many"))
    for step in range(20):
        tokens = quantizer(lattices_of(many, 20, 20), noise(f"{step}")).tokens
    assert len(tokens.unique()) == 8


def test_state_is_whole_in_the_state_dict():
    first = EMAQuantizer(6, 2, decay=0.9, restart_below=0.5)
    lattices = torch.randn(4, 2, 3, 3, generator=noise())
    first(lattices, noise("0"))
    second = EMAQuantizer(6, 2, decay=0.9, restart_below=0.5)
    second.load_state_dict(first.state_dict())
    for step in range(5):
        first(lattices, noise(f"{step}"))
        second(lattices, noise(f"{step}"))
    assert torch.equal(first.codebook, second.codebook)


def test_eval_mode_changes_nothing_and_draws_nothing():
    quantizer = quantizer_at([[0.0], [10.0]]).eval()
    before = {name: tensor.clone() for name, tensor in quantizer.state_dict().items()}
    quantizer(row_of_cells(1.0, 2.0))
    assert all(torch.equal(before[name], tensor) for name, tensor in quantizer.state_dict().items())


def test_training_without_a_generator_is_refused():
    with pytest.raises(InvalidValueError, match="needs a generator"):
        quantizer_at([[0.0]])(row_of_cells(1.0))
