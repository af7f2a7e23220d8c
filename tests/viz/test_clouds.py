import numpy as np
import pytest

from geovq.viz.balls import balls_figure


@pytest.mark.parametrize(("n_landmarks", "kind"), [(6_000, "scatter"), (6_001, "scattergl")])
def test_only_large_clouds_are_drawn_by_webgl_and_then_all_of_a_figure(n_landmarks: int, kind: str) -> None:
    positions = np.random.default_rng(0).normal(size=(n_landmarks, 2))
    near = np.linalg.norm(positions - positions[0], axis=1) < 0.5
    figure = balls_figure(positions, 0, near, near, 0.5, axis_titles=("a", "b"))
    assert {trace.type for trace in figure.data} == {kind}
