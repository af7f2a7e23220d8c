"""The table of what distances are good for: means over seeds with intervals, and what follows from them in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geovq.arrays import DoubleArray
from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.evaluation.paired import mean_interval
from geovq.evaluation.ways import KINDS

_TOKENIZERS = ("kmeans", "weighted", "riemannian")  # straight, by the local metric, along geodesics
_NAMES = {"euclidean": "Euclidean", "local": "local metric", "geodesic": "geodesic"}


@dataclass(frozen=True)
class GeodesicRow:
    """One distance on one run, query by query.

    Attributes
    ----------
    dataset, name : str
        Of the run.
    seed : int
    kind : str
        One of `geovq.evaluation.ways.KINDS`.
    overlap : list of float
        Share of the neighbours that are neighbours of the picture as well.
    purity : list of float, optional
        Share of the neighbours from other images that are of the query's class.
    evenness : list of float
        Of the pixel speed on the way to another landmark, in (0, 1].
    length : list of float
        Of that way, decoded: pixel intensity (L2).
    """

    dataset: str
    name: str
    seed: int
    kind: str
    overlap: list[float]
    purity: list[float] | None
    evenness: list[float]
    length: list[float]


def geodesics_table(rows: Sequence[GeodesicRow], k: int) -> str:
    """Every measure of every data set and distance, and how the geodesic distance compares with the two others."""
    lines = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        ours = [row for row in rows if row.dataset == dataset]
        seeds, n_queries = sorted({row.seed for row in ours}), len(ours[0].overlap)
        counted = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}, {n_queries:,} landmarks each"
        lines += ["", f"{dataset}; {counted}; mean and 95 % interval"]
        measures = {
            f"overlap@{k} with neighbours in pixels": "overlap",
            f"purity@{k} of labels": "purity",
            "evenness of pixel speed": "evenness",
            "decoded length of the way": "length",
        }
        for title, name in measures.items():
            if any(getattr(row, name) is None for row in ours):
                lines.append(f"  {title}: not measured, since the images are not on this machine")
                continue
            by_kind = {kind: _per_seed(ours, kind, name) for kind in KINDS}
            lines.append(f"  {title}")
            lines += [f"    {_NAMES[kind]:<13} {_interval(by_kind[kind])}" for kind in KINDS]
            lines += [f"    {_compared(by_kind, other)}" for other in KINDS[:-1]]
    return "\n".join(lines).lstrip("\n")


def samples_table(measurements: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """What was drawn from the priors of the tokenizers that codes by these distances lead to; "" where there are none.

    Parameters
    ----------
    measurements : mapping
        By run, then by tokenizer, as `Run.measurements` has them.
    """
    lines = []
    for run, of_tokenizers in measurements.items():
        for name in _TOKENIZERS:
            values = of_tokenizers.get(name, {})
            if "samples_frechet_distance" in values:
                lines.append(
                    f"  {run:<24} {TOKENIZERS[name].label:<13} {values['entropy_bits']:>5.2f} bits/token  "
                    f"{values['prior_bits_per_image']:>6.1f} bits/image  Fréchet distance "
                    f"{values['samples_frechet_distance']:.2f}  {values['samples_classes_covered']} classes covered by "
                    f"{values['samples_count']} samples"
                )
    title = "Samples of the priors, each at its own rate: one draw, so that only large gaps mean something"
    return "\n".join([title, *lines]) if lines else ""


def _per_seed(rows: Sequence[GeodesicRow], kind: str, name: str) -> list[DoubleArray]:
    return [np.array(getattr(row, name), dtype=np.float64) for row in rows if row.kind == kind]


def _interval(values: list[DoubleArray]) -> str:
    mean = mean_interval(values)
    return f"{mean.value:.3f} ({mean.lower:.3f} to {mean.upper:.3f})"


def _compared(by_kind: dict[str, list[DoubleArray]], other: str) -> str:
    """The geodesic distance less another, on the same landmarks."""
    pairs = zip(by_kind["geodesic"], by_kind[other], strict=True)
    gap = mean_interval([geodesic - rival for geodesic, rival in pairs])
    interval = f"{gap.lower:+.3f} to {gap.upper:+.3f}"
    if not gap.excludes_zero:
        return f"geodesic against {_NAMES[other]}: no difference ({interval})"
    return f"geodesic against {_NAMES[other]}: {gap.value:+.3f} ({interval})"
