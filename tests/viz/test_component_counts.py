import numpy as np

from geovq.viz.component_counts import component_counts_figure

FIGURE = component_counts_figure(np.arange(1, 5), np.array([40, 3, 1, 1]), np.array([0.1, 0.8, 1, 1]), 3)


def test_pieces_are_on_a_logarithmic_axis_and_shares_in_per_cent() -> None:
    pieces, shares = FIGURE.data
    np.testing.assert_array_equal(pieces.y, [40, 3, 1, 1])
    np.testing.assert_allclose(shares.y, [10, 80, 100, 100])
    assert FIGURE.layout.yaxis.type == "log"
    assert FIGURE.layout.yaxis2.range == (0, 105)
    assert pieces.marker.symbol != shares.marker.symbol


def test_the_number_of_neighbours_in_use_is_marked_in_both_panels() -> None:
    assert [shape.x0 for shape in FIGURE.layout.shapes] == [3, 3]
    assert sum(note.text == "this run: k = 3" for note in FIGURE.layout.annotations) == 2
