import numpy as np
import pytest

from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.viz import palette
from geovq.viz.palette import DARK_BACKGROUND, LIGHT_BACKGROUND, QUALITATIVE, ink_on, map_colouring, tokenizer_style

MARKS = sorted({*QUALITATIVE, palette.DEAD, palette.NEUTRAL, *(tokenizer_style(name).colour for name in TOKENIZERS)})


def relative_luminance(colour: str) -> float:
    """WCAG 2.2, definition of relative luminance, for #rrggbb."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, DARK_BACKGROUND])
@pytest.mark.parametrize("colour", MARKS)
def test_marks_are_told_from_both_backgrounds(colour: str, background: str) -> None:
    lighter, darker = sorted((relative_luminance(colour), relative_luminance(background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3.0


@pytest.mark.parametrize("field", ["colour", "symbol", "dash", "label"])
def test_tokenizers_differ_in_every_signal_and_not_in_colour_alone(field: str) -> None:
    assert len({getattr(tokenizer_style(name), field) for name in TOKENIZERS}) == len(TOKENIZERS)


def test_an_unknown_tokenizer_is_drawn_neutrally_under_its_own_name() -> None:
    style = tokenizer_style("hyperbolic")
    assert (style.label, style.colour) == ("hyperbolic", palette.NEUTRAL)


def test_codes_side_by_side_differ_in_colour() -> None:
    points = np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    colours = map_colouring(points).reshape(9, 9)
    assert (colours[:, 1:] != colours[:, :-1]).all()
    assert (colours[1:] != colours[:-1]).all()


@pytest.mark.parametrize("n_points", [1, 2, 3])
def test_few_codes_are_coloured_too(n_points: int) -> None:
    colours = map_colouring(np.arange(n_points, dtype=float)[:, None])
    assert len(set(colours.tolist())) == n_points


@pytest.mark.parametrize(
    ("fill", "ink"), [((1.0, 1.0, 1.0), "black"), ((0.27, 0.0, 0.33), "white"), ((0.99, 0.91, 0.14), "black")]
)
def test_numbers_are_written_in_the_ink_that_can_be_read(fill: tuple[float, float, float], ink: str) -> None:
    assert ink_on(fill) == ink
