"""Many runs to one table: rate-error curves, how far apart two of them are, and how sure that is."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geovq.study.comparing import CurveComparison, Measurements, compare_curves
    from geovq.study.curves import RateErrorCurve, bits_saved, crossings, error_ratio
    from geovq.study.table import StudyRow, read_table, shipped_table, write_table

__all__ = [
    "CurveComparison",
    "Measurements",
    "RateErrorCurve",
    "StudyRow",
    "bits_saved",
    "compare_curves",
    "crossings",
    "error_ratio",
    "read_table",
    "shipped_table",
    "write_table",
]

_HOME = {
    "CurveComparison": "comparing",
    "Measurements": "comparing",
    "RateErrorCurve": "curves",
    "StudyRow": "table",
    "bits_saved": "curves",
    "compare_curves": "comparing",
    "crossings": "curves",
    "error_ratio": "curves",
    "read_table": "table",
    "shipped_table": "table",
    "write_table": "table",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562): the command line needs none of them to show its help."""
    if name in _HOME:
        return getattr(import_module(f"geovq.study.{_HOME[name]}"), name)
    raise AttributeError(f"module 'geovq.study' has no attribute {name!r}")
