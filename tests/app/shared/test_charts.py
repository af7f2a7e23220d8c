from geovq.app.shared.charts import picked

# As Streamlit describes it (PlotlyState): two marks that carry an id, one of another trace that carries none.
EVENT = {
    "selection": {
        "points": [
            {"curve_number": 1, "point_number": 7, "point_index": 7, "x": 70.5, "y": 8.0, "customdata": 12},
            {"curve_number": 1, "point_number": 2, "point_index": 2, "x": 20.5, "y": 8.0, "customdata": 3},
            {"curve_number": 0, "point_number": 0, "point_index": 0, "x": 0.0, "y": 0.0},
        ],
        "point_indices": [7, 2, 0],
        "box": [],
        "lasso": [],
    }
}


def test_marks_are_known_by_their_id_and_not_by_their_place() -> None:
    assert picked(EVENT) == [12, 3]


def test_nothing_picked_is_an_empty_list() -> None:
    assert picked({}) == []
    assert picked({"selection": {"points": []}}) == []
