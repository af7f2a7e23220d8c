"""The methods of a study, and what was measured of two of them on the same seeds and images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geovq.errors import InvalidValueError
from geovq.study.comparing import Measurements
from geovq.study.results import read_arrays
from geovq.study.table import VAE, StudyRow

Point = tuple[int, float, str]  # codes K, bit price, what prices follow from
Array = NDArray[Any]


@dataclass(frozen=True, order=True)
class Method:
    """A tokenizer, how its tokens are chosen, and whether the decoder is refitted to them."""

    tokenizer: str
    search: str = "own"
    refit: bool = False

    @property
    def name(self) -> str:
        """As sentences write it, such as "weighted (joint, refit)"."""
        return f"{self.tokenizer} ({self.search}{', refit' if self.refit else ''})"


def method_of(row: StudyRow) -> Method:
    """The method that a row measures."""
    return Method(row.tokenizer, row.search, row.refit)


def point_of(row: StudyRow) -> Point:
    """The operating point of a row on its method's curve."""
    return row.n_codes, row.bit_price, row.prices


def measured_rows(rows: Iterable[StudyRow]) -> list[StudyRow]:
    """Rows of the study itself that did not fail; where a point was measured twice, that with most images.

    A row with a prior stands for its point too, since a prior changes nothing but what is known of the tokens' cost.
    """
    best: dict[tuple[object, ...], StudyRow] = {}
    for row in rows:
        if row.error or row.ablation:
            continue
        key = (row.dataset, row.seed, method_of(row), point_of(row))
        if key not in best or row.n_images > best[key].n_images:
            best[key] = row
    return list(best.values())


def methods_in(rows: Iterable[StudyRow]) -> list[Method]:
    """Methods that have rows, the autoencoder itself aside."""
    return sorted({method_of(row) for row in rows if row.tokenizer != VAE})


def on_common_ground(
    rows: Sequence[StudyRow], out: Path, dataset: str, methods: Sequence[Method], *, n_points: int = 2
) -> list[Measurements]:
    """What was measured of some methods on the same seeds and images.

    Each method has the points that were measured on all those seeds. Seeds are left out, those with the fewest points
    first, until every method has at least `n_points`.

    Parameters
    ----------
    rows : sequence of StudyRow
        As `measured_rows` gives them.
    out : Path
        Folder of the study, with its per-image files.
    dataset : str
    methods : sequence of Method
    n_points : int, default=2

    Raises
    ------
    InvalidValueError
        If there is no such seed, or there are no images that all were measured on.
    ArtifactError
        If a per-image file is missing or damaged.
    """
    by_method = [
        {(row.seed, point_of(row)): row for row in rows if row.dataset == dataset and method_of(row) == method}
        for method in methods
    ]
    seeds, points = _seeds_and_points(by_method, n_points)
    if not seeds:
        names = " and ".join(method.name for method in methods)
        raise InvalidValueError(f"{dataset}: {names} were not measured at {n_points} points of one seed.")
    chosen = [
        [[found[seed, point] for point in own_points] for seed in seeds]
        for found, own_points in zip(by_method, points, strict=True)
    ]
    arrays = {row.cell: read_arrays(out, row.cell) for table in chosen for line in table for row in line}
    images = reduce(np.intersect1d, (one["images"] for one in arrays.values()))
    if not len(images):
        raise InvalidValueError(f"{dataset}: the methods were measured on different images.")
    return [
        Measurements(
            method.name,
            _stacked(table, arrays, "bits", images),
            _stacked(table, arrays, "errors", images),
        )
        for method, table in zip(methods, chosen, strict=True)
    ]


def _seeds_and_points(
    by_method: Sequence[dict[tuple[int, Point], StudyRow]], n_points: int
) -> tuple[list[int], list[list[Point]]]:
    """Seeds on which every method has enough points in common, and these points."""
    seeds = set.intersection(*({seed for seed, _ in found} for found in by_method))
    while seeds:
        points = [
            sorted(set.intersection(*({point for one, point in found if one == seed} for seed in seeds)))
            for found in by_method
        ]
        if all(len(own) >= n_points for own in points):
            return sorted(seeds), points
        n_of_seed = {seed: sum(one == seed for found in by_method for one, _ in found) for seed in seeds}
        seeds.remove(min(sorted(seeds, reverse=True), key=n_of_seed.__getitem__))
    return [], []


def _stacked(
    table: Sequence[Sequence[StudyRow]], arrays: dict[str, dict[str, Array]], key: str, images: Array
) -> Array:
    """One kind of number as (seeds, points, images)."""

    def of(cell: str) -> Array:
        found = arrays[cell]
        order = np.argsort(found["images"])
        places = order[np.searchsorted(found["images"], images, sorter=order)]
        values: Array = found[key][places] if key in found else np.zeros(len(images))  # the autoencoder has no tokens
        return values.astype(np.float64)

    return np.stack([np.stack([of(row.cell) for row in line]) for line in table])
