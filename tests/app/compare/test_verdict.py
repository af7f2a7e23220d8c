import pytest

from geovq.app.compare.verdict import interval_words, signed, verdict
from geovq.evaluation import PairedDifference

CLEAR = PairedDifference(-0.001, -0.0012, -0.0008, 0.95, 1000)
UNCLEAR = PairedDifference(-0.001, -0.0022, 0.0002, 0.95, 1000)


def test_the_sentence_says_who_is_closer_by_how_much_and_at_what_rate() -> None:
    sentence = verdict(CLEAR, 0.004, 4.0, 5.0, "mse", ("Riemannian", "k-means"))
    assert sentence == "Riemannian has 25% less reconstruction error than k-means and needs 1.00 bits per token less"


def test_more_error_is_called_more() -> None:
    worse = PairedDifference(0.001, 0.0008, 0.0012, 0.95, 1000)
    assert "has 25% more distortion than" in verdict(worse, 0.004, 4.0, 5.0, "distortion", ("A", "B"))


def test_an_interval_that_holds_zero_gives_no_winner() -> None:
    assert "do not differ clearly" in verdict(UNCLEAR, 0.004, 4.0, 4.0, "mse", ("A", "B"))


def test_the_interval_says_its_kind_and_the_number_of_images() -> None:
    words = interval_words(CLEAR)
    assert "95% interval −0.00120 to −0.00080" in words
    assert "bootstrap" in words
    assert "1,000 held-out images" in words


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.00"), (-0.001, "0.00"), (0.5, "+0.50"), (-0.5, "−0.50")])
def test_zero_has_no_sign(value: float, text: str) -> None:
    assert signed(value, digits=2) == text
