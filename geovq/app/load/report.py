"""What visitors met, in numbers."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from geovq.app.load.visitor import Visit


def measured(visits: Sequence[Visit], memory_mb: Sequence[float], cpu_s: float, seconds: float) -> dict[str, Any]:
    """Numbers of a bench, as JSON values.

    Parameters
    ----------
    visits : sequence of Visit
    memory_mb : sequence of float
        Of the server and its children, once a second or so; not empty.
    cpu_s : float
        Processor time of the server meanwhile.
    seconds : float
        How long the bench took.
    """
    return {
        "seconds": seconds,
        "pages": _numbers(visits),
        "by_page": {page: _numbers([visit for visit in visits if visit.page == page]) for page in _names(visits)},
        "errors": dict(Counter(f"{visit.page}: {visit.error}" for visit in visits if visit.error)),
        "memory_mb": {"first": memory_mb[0], "last": memory_mb[-1], "most": max(memory_mb)},
        "cpu_s": cpu_s,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The numbers for people."""
    table = [f"{'page':<16} {'visits':>7} {'errors':>7} {'median, s':>10} {'p95, s':>8} {'kB a page':>10}"]
    for page, row in [*found["by_page"].items(), ("all", found["pages"])]:
        table.append(
            f"{page:<16} {row['visits']:>7} {row['errors']:>7} {_shown(row['median_s']):>10} {_shown(row['p95_s']):>8} "
            f"{row['kb_per_page']:>10.0f}"
        )
    memory = found["memory_mb"]
    table.append(
        f"Server: {memory['first']:.0f} MB at first, {memory['most']:.0f} at most, {memory['last']:.0f} at last; "
        f"{found['cpu_s']:.0f} s of processor time in {found['seconds']:.0f} s."
    )
    table += [f"{count} × {error}" for error, count in found["errors"].items()]
    return table


def _names(visits: Sequence[Visit]) -> list[str]:
    return sorted({visit.page for visit in visits})


def _numbers(visits: Sequence[Visit]) -> dict[str, Any]:
    """Times are of the pages that were shown without an error; None where there is none."""
    seconds = [visit.seconds for visit in visits if not visit.error]
    return {
        "visits": len(visits),
        "errors": sum(bool(visit.error) for visit in visits),
        "median_s": float(np.median(seconds)) if seconds else None,
        "p95_s": float(np.quantile(seconds, 0.95)) if seconds else None,
        "kb_per_page": sum(visit.n_bytes for visit in visits) / 1e3 / max(1, len(visits)),
        "bytes": sum(visit.n_bytes for visit in visits),
    }


def _shown(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f}"
