"""Products from many threads at once are those of one; so is whatever enters forward mode through them."""

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

import geovq
from geovq.geometry.curves.relaxed import relaxed_curve
from geovq.geometry.metric.cell_jacobian import cell_jacobian
from tests.geometry.references import midpoint_edge_lengths

N_THREADS, N_CALLS = 4, 15


class Decoder(nn.Module):
    """Large enough that threads meet inside: PyTorch lets go of the interpreter in its operators."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(3, 16, 4, 2, 1), nn.GELU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid()
        )

    def forward(self, lattices: torch.Tensor) -> torch.Tensor:
        return self.layers(lattices)


DECODER = Decoder().eval().requires_grad_(False)
LATTICES = torch.randn(4, 3, 7, 7, generator=torch.Generator().manual_seed(1))
POINTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(2))


def of_cell(points):
    lattices = LATTICES[:1].expand(len(points), -1, -1, -1).clone()
    lattices[:, :, 3, 3] = points
    return DECODER(lattices).flatten(start_dim=1)


CALLS = {
    "metric field": lambda: geovq.metric_tensors(DECODER, LATTICES, torch.eye(3)),
    "lattice metric": lambda: geovq.lattice_metric(DECODER, LATTICES, torch.eye(3)).blocks,
    "cell": lambda: cell_jacobian(DECODER, LATTICES[0], (3, 3), torch.eye(3)),
    "edges": lambda: midpoint_edge_lengths(DECODER, POINTS[:4], POINTS[2:], LATTICES, torch.full((4, 2), 3)),
    "curve": lambda: relaxed_curve(of_cell, POINTS[:2], n_points=8, n_steps=3).curve.points,
}


def outcomes(n_calls: int = N_CALLS) -> Counter[str]:
    """How often calls from many threads give what one thread gives, something else, or an error."""
    right = {name: call() for name, call in CALLS.items()}
    counts: Counter[str] = Counter()

    def work() -> None:
        for _ in range(n_calls):
            for name, call in CALLS.items():
                try:
                    same = torch.allclose(call(), right[name], rtol=1e-4, atol=1e-6)
                    counts["same" if same else "wrong"] += 1
                except (RuntimeError, ValueError) as error:
                    counts[type(error).__name__] += 1

    threads = [threading.Thread(target=work) for _ in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def test_threads_at_once_have_the_results_of_one():
    assert outcomes() == {"same": N_THREADS * N_CALLS * len(CALLS)}


WITHOUT_LOCK = """
from contextlib import nullcontext
import torch
torch.set_num_threads(1)
from geovq.geometry.metric import forward_mode
from tests.geometry.metric.test_forward_mode import CALLS, N_CALLS, N_THREADS, outcomes
forward_mode._ONE_THREAD = nullcontext()
print(outcomes()["same"] < N_THREADS * N_CALLS * len(CALLS))
"""


@pytest.mark.slow
def test_they_would_not_without_the_lock():
    # In a process of its own, because a level that is left open spoils whatever comes after.
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCK], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    crashed = done.returncode < 0  # by a signal; other ways to fail say nothing about threads
    assert crashed or done.stdout.strip() == "True", f"PyTorch may keep levels per thread now. {done.stderr}"


def test_nothing_else_enters_forward_mode():
    package = Path(geovq.__file__).parent
    entering = ("torch.func.jvp", "func.linearize", "forward_ad", "jacfwd")
    others = [
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if file.name != "forward_mode.py" and any(f"{word}(" in file.read_text() for word in entering)
    ]
    assert others == []
