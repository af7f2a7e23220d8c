import pytest
import torch

from geovq.training import one_cycle


@pytest.mark.parametrize("n_steps", [10, 47, 1000])
def test_same_rates_as_torch(n_steps):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=n_steps, cycle_momentum=False)
    reference = []
    for _ in range(n_steps):
        reference.append(scheduler.get_last_lr()[0])
        optimizer.step()
        if len(reference) < n_steps:
            scheduler.step()
    assert [one_cycle(step, n_steps, 3e-3) for step in range(n_steps)] == pytest.approx(reference, rel=1e-7)


def test_end_points_and_peak():
    rates = [one_cycle(step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[29] == pytest.approx(1.0)
    assert max(rates) == rates[29]
    assert rates[-1] == pytest.approx(1 / 25e4)


@pytest.mark.parametrize("n_steps", [1, 2, 3, 4])
def test_shortest_runs_have_positive_rates_up_to_the_peak(n_steps):
    assert all(0 < one_cycle(step, n_steps, 1.0) <= 1 for step in range(n_steps))


def test_a_single_step_is_taken_at_the_peak():
    assert one_cycle(0, 1, 3e-3) == pytest.approx(3e-3)
