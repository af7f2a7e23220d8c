"""Numbers in the texts of lessons."""

import pytest

from geovq.app.lessons.numbers import filled, measured_numbers
from geovq.errors import ConfigError


def test_numbers_are_written_as_asked_and_formulas_are_left_alone() -> None:
    numbers = measured_numbers({"vqvae-plain": {"mse": 0.1234, "kl": [1.0, 2.5], "split": "test"}})
    assert numbers == {"vqvae-plain.mse": 0.1234, "vqvae-plain.kl.0": 1.0, "vqvae-plain.kl.1": 2.5}
    text = r"{vqvae-plain.mse:.2f} of {vqvae-plain.kl.1}, $\frac{1}{2}\sqrt{x}$"
    assert filled(text, numbers, "x.md") == r"0.12 of 2.5, $\frac{1}{2}\sqrt{x}$"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{kmeans.love:.2f}", r"x.md: \{kmeans.love\} is not measured in its run; known are kmeans.mse\."),
        ("{owl.mse}", r"\{owl.mse\} is not measured"),
        ("{kmeans.mse:99999999.2f}", r"no way to write a number; use \{kmeans.mse:.2f\}"),
    ],
)
def test_a_number_that_cannot_be_shown_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        filled(text, {"kmeans.mse": 1.0}, "x.md")
