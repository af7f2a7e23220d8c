"""How the threads of numerical libraries wait for each other, and who may set their number."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def yield_while_waiting() -> None:
    """Let waiting OpenMP threads sleep instead of spin; for programs, before torch is imported.

    Spinning pays on idle cores only. With a browser and the app beside a job on two cores, spinning threads keep those
    from running that they wait for: training was several times slower. A policy that the user has set is kept.

    They spin for some ten microseconds first: to wake up for each of the many small steps of a prior that is sampled
    took twice as long as the steps.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


@contextmanager
def torch_threads_kept() -> Iterator[None]:
    """Undo what numba's OpenMP layer does when it starts: it sets the thread count of all OpenMP code in the process.

    Other counts sum in another order, so what torch computes next would depend on whether numba ran before.
    """
    import torch  # here: programs import this module to set a policy that torch reads when it is imported

    n_threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def n_numba_threads() -> int:
    """Threads that numba would use; merely asking it starts them."""
    import numba

    with torch_threads_kept():
        return numba.get_num_threads()
