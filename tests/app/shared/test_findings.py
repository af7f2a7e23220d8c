import numpy as np
import pytest

from geovq.app.shared.findings import (
    best_finding,
    border_is_quieter,
    extreme_position,
    rate_distortion_finding,
    usage_finding,
)
from geovq.evaluation import token_usage


def measured(distortion: float, bits: float, error: float = 1e-5) -> dict[str, float]:
    return {"distortion": distortion, "entropy_bits": bits, "distortion_standard_error": error}


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (measured(0.003, 4.0), "Riemannian has 25% less distortion than k-means and needs 1.00 bits per token less"),
        (measured(0.005, 5.5), "Riemannian has 25% more distortion than k-means and needs 0.50 bits per token more"),
        (measured(0.003, 5.0), "Riemannian has 25% less distortion than k-means and needs as many bits per token"),
        (
            measured(0.003, 4.0, error=0.01),
            "Riemannian and k-means do not differ clearly in distortion; Riemannian needs 1.00 bits per token less",
        ),
    ],
)
def test_the_sentence_follows_the_numbers(ours: dict[str, float], sentence: str) -> None:
    measurements = {"kmeans": measured(0.004, 5.0), "riemannian": ours}
    assert rate_distortion_finding(measurements, "riemannian", "kmeans") == sentence


def test_the_heading_compares_what_is_there() -> None:
    both = {"kmeans": measured(0.004, 5.0), "euclidean": measured(0.002, 5.0)}
    assert best_finding(both).startswith("Euclidean has 50% less distortion than k-means")
    assert best_finding({"riemannian": measured(0.004, 5.0)}) == ""
    assert best_finding({}) == ""


def test_usage_counts_what_is_used() -> None:
    usage = token_usage(np.array([[[0, 1], [1, 0]]]), n_codes=4)
    assert usage_finding({"kmeans": usage}) == "k-means uses 2 of 4 codes at 1.00 bits per token"


def test_places_on_a_map_are_row_and_column() -> None:
    values = np.zeros((7, 7))
    values[2, 5] = 1.0
    assert extreme_position(values) == (2, 5)


def test_a_quiet_border_is_less_than_half_of_the_inside() -> None:
    inside = np.zeros((7, 7))
    inside[1:-1, 1:-1] = 1.0
    assert border_is_quieter(inside)
    assert not border_is_quieter(np.ones((7, 7)))
