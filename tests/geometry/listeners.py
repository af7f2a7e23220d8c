"""Progress that remembers what it was told."""

from geovq.progress import SilentProgress


class Listener(SilentProgress):
    """Keeps phases, advances and notes; asks for a stop after `stop_after` looks."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.phases: list[tuple[str, int, str]] = []
        self.advances: list[int] = []
        self.notes: list[str] = []
        self.stop_after, self.n_looks = stop_after, 0

    def start(self, phase: str, total: int, unit: str) -> None:
        self.phases.append((phase, total, unit))

    def advance(self, n: int = 1) -> None:
        self.advances.append(n)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def stop_requested(self) -> bool:
        self.n_looks += 1
        return self.stop_after is not None and self.n_looks > self.stop_after
