"""Bands and ratios of a study, on tables whose curves are known in closed form."""

import numpy as np
import pytest

from geovq.study.bands import SeedRatios, all_series, band, seed_ratios, unquantized_error
from geovq.study.table import StudyRow


def row(tokenizer: str, seed: int, n_codes: int, factor: float = 1.0, **more) -> StudyRow:
    """Error factor / 4^bits, which is a straight line in log error."""
    bits = float(np.log2(n_codes))
    values = {"search": "own", "bits_per_token": bits, "mse": factor * 4.0**-bits} | more
    return StudyRow(cell="x", dataset="mnist", seed=seed, tokenizer=tokenizer, n_codes=n_codes, **values)


def table(tokenizer: str, factors: dict[int, float], **more) -> list[StudyRow]:
    return [row(tokenizer, seed, k, factor, **more) for seed, factor in factors.items() for k in (16, 64, 256)]


def test_the_band_reaches_over_the_seeds_and_its_middle_is_their_geometric_mean() -> None:
    (series,) = all_series(table("weighted", {0: 1.0, 1: 4.0}))
    found = band(series)
    assert found is not None
    assert (found.rates[0], found.rates[-1], found.n_seeds) == (4, 8, 2)
    np.testing.assert_allclose(found.low, 4.0**-found.rates, rtol=1e-9)
    np.testing.assert_allclose(found.high, 4 * 4.0**-found.rates, rtol=1e-9)
    np.testing.assert_allclose(found.mean, 2 * 4.0**-found.rates, rtol=1e-9)


def test_points_that_another_dominates_are_not_on_the_curve() -> None:
    rows = [*table("weighted", {0: 1.0}), row("weighted", 0, 128, 50.0)]
    (series,) = all_series(rows)
    assert len(series.rows) == 4
    assert list(series.curves()[0].bits) == [4, 6, 8]


def test_searches_and_decoders_are_series_of_their_own_and_what_failed_is_in_none() -> None:
    rows = [
        *table("weighted", {0: 1.0}),
        *table("weighted", {0: 1.0}, search="joint"),
        *table("weighted", {0: 1.0}, refit=True),
        *table("weighted", {0: 1.0}, ablation="assign=local"),
        row("weighted", 0, 32, error="It diverged.", mse=None),
        row("vae", 0, 1, search="", bits_per_token=None, mse=0.25),
        row("vae", 1, 1, search="", bits_per_token=None, mse=0.75),
    ]
    found = [(series.search, series.refit, len(series.rows)) for series in all_series(rows)]
    assert sorted(found) == [("joint", False, 3), ("own", False, 3), ("own", True, 3)]
    assert unquantized_error(rows, "mnist") == 0.5
    assert unquantized_error(rows, "fashion_mnist") is None


def test_one_point_makes_no_curve_and_seeds_apart_no_band() -> None:
    (single,) = all_series([row("weighted", 0, 16)])
    assert band(single) is None
    assert single.curves() == {}
    (apart,) = all_series([row("fsq", seed, k) for seed, sizes in ((0, (4, 8)), (1, (64, 128))) for k in sizes])
    assert band(apart) is None


def test_ratios_are_those_of_the_seeds_that_have_both() -> None:
    ours, theirs = all_series([*table("a", {0: 1.0, 1: 2.0, 2: 1.0}), *table("b", {0: 2.0, 1: 2.5})])
    found = seed_ratios(ours, theirs)
    assert found is not None
    assert found.ratios == pytest.approx((0.5, 0.8))
    assert found.sentence("A", "B") == "A has 0.63 × the error of B at equal rate (2 seeds: 0.50 to 0.80)"
    assert seed_ratios(ours, all_series([row("c", 0, 16)])[0]) is None


def test_seeds_that_disagree_are_no_finding() -> None:
    words = SeedRatios((0.9, 1.1)).sentence("A", "B")
    assert words == "No clear difference between A and B at equal rate (2 seeds: 0.90 to 1.10 × the error)"
