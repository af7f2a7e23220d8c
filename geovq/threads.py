"""How the threads of numerical libraries wait for each other."""

import os


def yield_while_waiting() -> None:
    """Let waiting OpenMP threads sleep instead of spin; for programs, before torch is imported.

    Spinning pays on idle cores only. With a browser and the app beside a job on two cores, spinning threads keep those
    from running that they wait for: training was several times slower. A policy that the user has set is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
