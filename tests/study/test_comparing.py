import dataclasses

import numpy as np
import pytest

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.study.comparing import Measurements, compare_curves

N_SEEDS, N_IMAGES = 3, 400
RATES = np.array([2.0, 3.0, 4.0, 5.0])


def measured(name: str, scale: float, *, draw: int, noise: float = 0.3) -> Measurements:
    """Errors scale * exp(-bits), times what an image and chance make of it; images are the same for all methods."""
    difficulty = np.random.default_rng(0).lognormal(sigma=0.5, size=N_IMAGES)
    chance = np.random.default_rng(draw).lognormal(sigma=noise, size=(N_SEEDS, len(RATES), N_IMAGES))
    bits = np.broadcast_to(RATES[None, :, None], chance.shape).copy()
    return Measurements(name, bits, scale * np.exp(-bits) * difficulty * chance)


def test_a_method_of_half_the_error_wins_with_an_interval_around_one_half() -> None:
    found = compare_curves(measured("ours", 0.5, draw=1), measured("theirs", 1.0, draw=2), n_resamples=200)
    assert found.outcome == "win"
    assert found.error_ratio.lower < 0.5 < found.error_ratio.upper
    assert found.error_ratio.upper - found.error_ratio.lower < 0.1
    assert found.bits_saved.lower < np.log(2) < found.bits_saved.upper
    assert f"ours has {found.error_ratio.value:.2f} × the error of theirs" in found.sentence()
    assert "fewer at equal error" in found.sentence()


def test_the_other_way_round_it_loses_by_the_inverse() -> None:
    ours, theirs = measured("ours", 0.5, draw=1), measured("theirs", 1.0, draw=2)
    forth, back = (compare_curves(*pair, n_resamples=200) for pair in ((ours, theirs), (theirs, ours)))
    assert back.outcome == "loss"
    assert back.error_ratio.value == pytest.approx(1 / forth.error_ratio.value)
    assert back.bits_saved.value == pytest.approx(-forth.bits_saved.value)
    assert "more at equal error" in back.sentence()


def test_shuffled_labels_give_intervals_that_hold_no_difference() -> None:
    """Which method made which measurement is drawn anew for every seed and image: nothing can be left of it."""
    ours, theirs = measured("ours", 0.5, draw=1), measured("theirs", 1.0, draw=2)
    swapped = np.random.default_rng(3).random((N_SEEDS, 1, N_IMAGES)) < 0.5
    mixed = [
        Measurements(name, ours.bits, np.where(swapped == flag, ours.errors, theirs.errors))
        for name, flag in (("one", True), ("other", False))
    ]
    found = compare_curves(*mixed, n_resamples=300)
    assert found.outcome == "tie"
    assert found.sentence().startswith("No difference between one and other")


def test_about_one_in_twenty_equal_methods_is_called_different() -> None:
    outcomes = [
        compare_curves(
            measured("one", 1, draw=2 * trial), measured("other", 1, draw=2 * trial + 1), n_resamples=40
        ).outcome
        for trial in range(30)
    ]
    assert outcomes.count("tie") >= 23  # 3 seeds are few: intervals over clusters are known to be a little short


def test_the_same_draws_give_the_same_interval() -> None:
    pair = measured("ours", 0.9, draw=1), measured("theirs", 1.0, draw=2)
    assert compare_curves(*pair, n_resamples=50, seed=4) == compare_curves(*pair, n_resamples=50, seed=4)
    assert compare_curves(*pair, n_resamples=50, seed=4) != compare_curves(*pair, n_resamples=50, seed=5)


def test_methods_at_different_rates_are_apart() -> None:
    ours = measured("ours", 0.5, draw=1)
    far = Measurements("far", ours.bits + 10, ours.errors)
    found = compare_curves(ours, far, n_resamples=10)
    assert found.outcome == "apart"
    assert "share no range of rates" in found.sentence()


def test_measurements_that_do_not_belong_together_are_refused() -> None:
    ours = measured("ours", 0.5, draw=1)
    half = dataclasses.replace(ours, bits=ours.bits[..., ::2], errors=ours.errors[..., ::2])
    with pytest.raises(ShapeError, match="same seeds and images; got 3 seeds of 400 images and 3 of 200"):
        compare_curves(ours, half)
    with pytest.raises(ShapeError, match=r"same shape \(seeds, points, images\)"):
        dataclasses.replace(ours, bits=ours.bits[..., ::2])
    with pytest.raises(NonFiniteError, match="leave out points that failed"):
        dataclasses.replace(ours, errors=np.full_like(ours.errors, np.nan))
    with pytest.raises(InvalidValueError, match="confidence must be above 0"):
        compare_curves(ours, ours, confidence=1)
    with pytest.raises(InvalidValueError, match="n_resamples"):
        compare_curves(ours, ours, n_resamples=0)
