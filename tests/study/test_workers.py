import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import pytest
import torch

from geovq.study.workers import Job, outcomes
from geovq.threads import torch_threads_kept


@dataclass(frozen=True)
class Errand(Job):
    """Stands for a job: says what the process that does it is like, or ends it."""

    what: str = ""

    def do(self) -> Any:
        """A sentence, or no return."""
        if self.what == "die":
            os._exit(7)
        return f"{self.what} with {torch.get_num_threads()} and {numba.get_num_threads()} threads"


def errands(*what: str) -> Iterator[Errand | None]:
    network: Any = None
    yield from (Errand(Path(), network, None, one) for one in what)
    while True:
        yield None


@pytest.mark.slow
def test_a_process_that_dies_fails_its_job_and_no_other() -> None:
    jobs = errands("first", "die", "second", "third")
    found = {job.what: outcome for job, outcome in outcomes(lambda: next(jobs), 2)}  # type: ignore[attr-defined]
    assert "ended with exit code 7" in str(found.pop("die"))
    assert found == {name: f"{name} with 1 and 1 threads" for name in ("first", "second", "third")}


def test_jobs_in_this_process_have_one_thread_too_and_the_counts_come_back() -> None:
    with torch_threads_kept():
        numba_threads = numba.get_num_threads()  # starts its threads
    before = torch.get_num_threads(), numba_threads
    jobs = errands("first", "second")
    assert [outcome for _, outcome in outcomes(lambda: next(jobs), 1)] == [
        "first with 1 and 1 threads",
        "second with 1 and 1 threads",
    ]
    assert (torch.get_num_threads(), numba.get_num_threads()) == before
