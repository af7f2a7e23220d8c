"""Many runs to one table: rate-error curves, how far apart two of them are, and how sure that is."""

from geovq.study.comparing import CurveComparison, Measurements, compare_curves
from geovq.study.curves import RateErrorCurve, bits_saved, crossings, error_ratio

__all__ = [
    "CurveComparison",
    "Measurements",
    "RateErrorCurve",
    "bits_saved",
    "compare_curves",
    "crossings",
    "error_ratio",
]
