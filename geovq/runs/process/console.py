"""Progress as text: a bar on a terminal, a line every ten seconds in a log."""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from geovq.progress import SilentProgress

_LINE_EVERY_S = 10.0


class Console(Protocol):
    """Shows one phase after the other."""

    def start(self, title: str, total: int, unit: str) -> None:
        """A phase begins; one that is still open ends."""

    def advance(self, n: int, rate_per_s: float | None, eta_s: float | None) -> None:
        """`n` more units are done."""

    def note(self, message: str) -> None:
        """One sentence between the phases or within one."""

    def close(self) -> None:
        """The open phase ends, if there is one."""


class BarConsole:
    """One bar per phase, with rate and remaining time."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._bar: Any = None

    def start(self, title: str, total: int, unit: str) -> None:
        """Open a bar."""
        self.close()
        self._bar = tqdm(desc=title, total=total, unit=f" {unit}", dynamic_ncols=True, file=self._stream)

    def advance(self, n: int, rate_per_s: float | None, eta_s: float | None) -> None:
        """Move the bar; it measures rate and remaining time itself."""
        if self._bar is not None:
            self._bar.update(n)

    def note(self, message: str) -> None:
        """Print above the bar."""
        tqdm.write(message, file=self._stream)

    def close(self) -> None:
        """Leave the finished bar on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class LineConsole:
    """Plain lines: the begin and the end of each phase, and its progress at most every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._title = ""
        self._unit = ""
        self._done = self._total = 0
        self._started = self._last_line = 0.0

    def start(self, title: str, total: int, unit: str) -> None:
        """Announce a phase."""
        self.close()
        self._title, self._unit, self._done, self._total = title, unit, 0, total
        self._started = self._last_line = self._clock()
        _print(f"{title}: {total} {unit}")

    def advance(self, n: int, rate_per_s: float | None, eta_s: float | None) -> None:
        """Count, and print if the last line is old enough."""
        self._done += n
        if self._done >= self._total or self._clock() - self._last_line < _LINE_EVERY_S:
            return  # the end of the phase has a line of its own
        self._last_line = self._clock()
        rate = f", {rate_per_s:.3g} {self._unit}/s" if rate_per_s else ""
        eta = f", {tqdm.format_interval(eta_s)} left" if eta_s is not None else ""
        _print(f"{self._title}: {self._done}/{self._total} {self._unit}{rate}{eta}")

    def note(self, message: str) -> None:
        """Print the sentence."""
        _print(message)

    def close(self) -> None:
        """Say how long the phase took."""
        if self._title:
            elapsed = tqdm.format_interval(self._clock() - self._started)
            _print(f"{self._title}: {self._done}/{self._total} {self._unit} in {elapsed}")
            self._title = ""


class ConsoleProgress(SilentProgress):
    """A `Progress` that only prints: for work that belongs to no run."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self, phase: str, total: int, unit: str) -> None:
        """A new phase begins."""
        self._console.start(phase, total, unit)

    def advance(self, n: int = 1) -> None:
        """`n` more units are done."""
        self._console.advance(n, None, None)

    def note(self, message: str) -> None:
        """Show the sentence."""
        self._console.note(message)


def _print(line: str) -> None:
    print(line, flush=True)  # a log is read while it grows
