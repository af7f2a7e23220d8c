"""The measurements of a run as points of the rate-error plane."""

from collections.abc import Mapping
from typing import Any, Literal

from geovq.runs import Run
from geovq.viz.rate_distortion import Measured

Measurements = Mapping[str, Mapping[str, Any]]
Measure = Literal["mse", "distortion"]
Role = Literal["a", "b", "beside", "elsewhere"]

REFIT = "refit_"  # what names of measurements by a refitted decoder begin with


def points_of(
    run: str, measurements: Measurements, measure: Measure, curve: str = "", role: Role = "beside"
) -> list[Measured]:
    """One point for each tokenizer and decoder that was measured.

    Parameters
    ----------
    run : str
        As the points name it.
    measurements : mapping
        Of a run.
    measure : {"mse", "distortion"}
    curve : str
        Of `curve_of`; without it the points are not joined with others.
    role : str
        As in `Measured`.
    """
    points = []
    for name, values in measurements.items():
        for prefix, refitted in (("", False), (REFIT, True)):
            if name == "vae" or f"{prefix}{measure}" not in values:
                continue
            points.append(
                Measured(
                    name,
                    run,
                    int(values["n_codes"]),
                    values["entropy_bits"],
                    values[f"{prefix}{measure}"],
                    values.get(f"{prefix}{measure}_standard_error", 0.0),
                    refitted,
                    curve,
                    role,
                )
            )
    return points


def curve_of(run: Run) -> str:
    """Equal for runs that may differ in their codebooks and priors only."""
    config = run.config
    return repr((config.seed, config.data, config.vae, config.vae_training, config.geometry))
