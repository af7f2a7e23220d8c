"""Timing two ways of doing the same work, and a report of their ratio."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from geovq.artifacts import write_json


@dataclass(frozen=True)
class Comparison:
    """Ours against the usual way: seconds per run, interleaved so that both meet the same disturbances."""

    work: str
    usual: str
    ours_s: tuple[float, ...]
    usual_s: tuple[float, ...]
    usual_share: float  # part of the work that the usual way was timed on; its seconds are for the whole

    @property
    def ratio(self) -> float:
        """How many times faster ours is: ratio of the medians."""
        return statistics.median(self.usual_s) / statistics.median(self.ours_s)

    def line(self) -> str:
        """One row of the report: medians with the range of the runs."""
        return f"{self.work:<58}  {_spread(self.ours_s):>24}  {_spread(self.usual_s):>24}  {self.ratio:6.1f}×"


def compare(
    work: str,
    ours: Callable[[], object],
    usual_name: str,
    usual: Callable[[], object],
    *,
    repeats: int,
    usual_share: float = 1.0,
) -> Comparison:
    """Time both in turn, `repeats` times each after one warm-up of ours.

    `usual` may do only `usual_share` of the work when the whole would take minutes; its time is divided by that.
    """
    ours()
    pairs = [(_seconds(ours), _seconds(usual) / usual_share) for _ in range(repeats)]
    ours_s, usual_s = zip(*pairs, strict=True)
    return Comparison(work, usual_name, ours_s, usual_s, usual_share)


def report(comparisons: list[Comparison], out: Path | None) -> None:
    """Print a table, and write it as JSON if asked to."""
    print(f"\n{machine()}\n{'':<58}  {'ours, s (range)':>24}  {'usual, s (range)':>24}   faster")
    for comparison in comparisons:
        print(comparison.line())
        share = "" if comparison.usual_share == 1 else f" (timed on {comparison.usual_share:.0%} of the work)"
        print(f"  against {comparison.usual}{share}")
    if out is not None:
        rows = [{**asdict(comparison), "ratio": comparison.ratio} for comparison in comparisons]
        write_json(out, {"machine": machine(), "comparisons": rows})
        print(f"\nWritten to {out}.")


def machine() -> str:
    """What the numbers were measured on."""
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _spread(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.3g} ({min(seconds):.3g}–{max(seconds):.3g})"
