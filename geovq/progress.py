"""How work that takes long reports what it is doing, and learns that it should stop.

Library code talks to this protocol only; who listens (a terminal bar, a run's status file, nobody) is the caller's
choice. One object serves one run: phases follow each other and do not nest.
"""

from collections.abc import Mapping
from typing import Protocol

from geovq.errors import Cancelled

Scalar = float | int | str | bool | None


class Progress(Protocol):
    """Listener of one piece of long work."""

    def start(self, phase: str, total: int, unit: str) -> None:
        """A new phase begins: `total` steps of `unit` (plural noun: "steps", "lattices")."""

    def advance(self, n: int = 1) -> None:
        """`n` more units are done."""

    def record(self, row: Mapping[str, Scalar]) -> None:
        """One row of measurements worth keeping (a line of metrics.jsonl)."""

    def note(self, message: str) -> None:
        """One sentence for the log."""

    def stop_requested(self) -> bool:
        """Whether somebody asked for the work to stop."""


class SilentProgress:
    """Drops what it is told, and asks for no stop."""

    def start(self, phase: str, total: int, unit: str) -> None:
        """Do nothing."""

    def advance(self, n: int = 1) -> None:
        """Do nothing."""

    def record(self, row: Mapping[str, Scalar]) -> None:
        """Do nothing."""

    def note(self, message: str) -> None:
        """Do nothing."""

    def stop_requested(self) -> bool:
        """False."""
        return False


def stop_if_requested(progress: Progress) -> None:
    """Raise `Cancelled` when a stop was asked for; for work that has nothing to save."""
    if progress.stop_requested():
        raise Cancelled("The work was cancelled; nothing that existed before it was changed.")
