import numpy as np

from geovq.viz.distribution import choice_figure, likeliest, next_token_figure

PROBABILITIES = np.array([0.1, 0.5, 0.0, 0.3, 0.1])


def test_codes_stand_from_the_likeliest_down_and_impossible_ones_are_left_out() -> None:
    assert likeliest(PROBABILITIES, taken=1, n_most=5).tolist() == [1, 3, 0, 4]


def test_the_code_that_was_drawn_is_always_shown_even_if_it_was_unlikely() -> None:
    assert likeliest(PROBABILITIES, taken=4, n_most=2).tolist() == [1, 4]


def test_bars_sum_to_one_hundred_per_cent_with_all_others_as_the_last() -> None:
    codes = np.array([1, 3])
    bars = next_token_figure(codes, PROBABILITIES, np.zeros((2, 3, 3)), taken=3).data[0]
    np.testing.assert_allclose(bars.y, [50, 30, 20])
    assert bars.customdata[-1] == "3 other codes"


def test_the_drawn_code_is_marked_by_word_and_pattern_and_not_by_colour_alone() -> None:
    bars = next_token_figure(np.array([1, 3]), PROBABILITIES, np.zeros((2, 3, 3)), taken=3).data[0]
    assert ["drawn" in text for text in bars.text] == [False, True, False]
    assert bars.marker.pattern.shape[1] != bars.marker.pattern.shape[0]


def test_every_code_has_its_patch_below_its_bar() -> None:
    figure = next_token_figure(np.array([1, 3, 0]), PROBABILITIES, np.zeros((3, 4, 4)), taken=3)
    assert [image.x for image in figure.layout.images] == [0, 1, 2]


def test_the_present_step_is_marked_on_the_curve_of_choices() -> None:
    entropy = np.linspace(0, 3, 49)
    curve, mark = choice_figure(entropy, position=10, width=7).data
    assert (list(mark.x), list(mark.y)) == ([11], [entropy[10]])
    np.testing.assert_array_equal(curve.x, np.arange(1, 50))
