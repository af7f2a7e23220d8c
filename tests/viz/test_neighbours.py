import numpy as np

from geovq.viz.neighbours import NeighbourList, neighbour_list_figure, neighbours_figure

POSITIONS = np.random.default_rng(0).normal(size=(50, 2))
AXES = ("direction 1 (60 % of variance)", "direction 2 (40 % of variance)")
LIST = NeighbourList(
    landmarks=np.array([17, 4]),
    patches=np.zeros((2, 12, 12)),
    ranks=np.array([[1, 35, 1], [2, 1, 2]]),
    distances=np.array([[0.25, 3.5, 0.125], [0.5, 1.75, 0.75]]),
    headings=("Euclid", "geodesic", "pixels"),
    own=0,
)


def texts(own: int = 0) -> list[str]:
    changed = NeighbourList(LIST.landmarks, LIST.patches, LIST.ranks, LIST.distances, LIST.headings, own)
    (trace,) = [trace for trace in neighbour_list_figure(changed).data if getattr(trace, "mode", "") == "text"]
    return list(trace.text)


def test_a_click_on_a_picture_names_its_landmark() -> None:
    (marks,) = [trace for trace in neighbour_list_figure(LIST).data if getattr(trace, "mode", "") == "markers"]
    assert list(marks.customdata) == [17, 4]
    assert marks.hoverinfo != "skip"  # what is skipped on hover cannot be clicked


def test_moves_have_an_arrow_and_a_sign_and_not_only_a_colour() -> None:
    (further,) = [text for text in texts() if text.startswith("35<br>")]
    assert "▼" in further
    assert "−34" in further
    assert further.endswith("3.5")
    (nearer,) = [text for text in texts() if text.endswith("1.75")]
    assert "▲" in nearer
    assert "+1" in nearer
    assert sum("= 0" in text for text in texts()) == 2


def test_the_column_that_the_list_is_sorted_by_stands_out() -> None:
    assert texts(own=0)[0] == "<b>Euclid</b>"
    assert texts(own=2)[2] == "<b>pixels</b>"


def test_rows_are_as_high_as_their_pictures_whatever_the_patch() -> None:
    for size in (12, 8, 28):
        patches = np.zeros((2, size, size))
        figure = neighbour_list_figure(
            NeighbourList(LIST.landmarks, patches, LIST.ranks, LIST.distances, LIST.headings, 0)
        )
        (picture,) = [trace for trace in figure.data if trace.type == "image"]
        (marks,) = [trace for trace in figure.data if getattr(trace, "mode", "") == "markers"]
        gap = round(size * 18 / 44)
        first_row = picture.y0 + picture.dy * (gap + (size - 1) / 2)
        second_row = picture.y0 + picture.dy * (2 * gap + size + (size - 1) / 2)
        np.testing.assert_allclose([first_row, second_row], marks.y, atol=1.0)


def test_neighbours_are_sorted_into_both_and_only_one_list() -> None:
    figure = neighbours_figure(POSITIONS, 0, np.array([1, 2, 3]), np.array([3, 4, 5]), axis_titles=AXES)
    by_name = {trace.name: set(trace.customdata.tolist()) for trace in figure.data if trace.customdata is not None}
    assert by_name["in both: 1"] == {3}
    assert by_name["only Euclid: 2"] == {1, 2}
    assert by_name["only geodesic: 2"] == {4, 5}
    symbols = [trace.marker.symbol for trace in figure.data if trace.showlegend]
    assert len(set(symbols)) == len(symbols) == 3


def test_the_map_holds_the_query_and_all_its_neighbours() -> None:
    figure = neighbours_figure(POSITIONS, 7, np.array([1, 2]), np.array([30, 40]), axis_titles=AXES)
    for axis, values in ((figure.layout.xaxis, POSITIONS[:, 0]), (figure.layout.yaxis, POSITIONS[:, 1])):
        low, high = axis.range
        assert (values[[7, 1, 2, 30, 40]] > low).all()
        assert (values[[7, 1, 2, 30, 40]] < high).all()


def test_neighbours_at_one_place_still_have_a_map() -> None:
    figure = neighbours_figure(np.zeros((5, 2)), 0, np.array([1, 2]), np.array([2, 3]), axis_titles=AXES)
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]
