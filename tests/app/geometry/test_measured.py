import numpy as np
import pytest
import torch

from geovq.app.geometry.measured import disc_and_ball, shown_magnification
from geovq.app.shared.scene import Scene


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
def test_disc_and_ball_hold_the_same_number_and_their_centre(scene: Scene, share: float) -> None:
    found = disc_and_ball(scene, 7, share)
    assert found.in_disc.sum() == found.in_ball.sum() == max(1, round(share * scene.n_landmarks))
    points = scene.geometry.sample.landmarks.numpy()
    away = np.linalg.norm(points - points[7], axis=1)
    assert away[found.in_disc].max() <= away[~found.in_disc].min(initial=np.inf)
    assert found.overlap == (1.0 if share == 1 else pytest.approx(np.mean(found.in_ball[found.in_disc])))


def test_the_magnification_of_a_landmark_is_that_of_the_nearest_place_of_the_map(scene: Scene) -> None:
    field = scene.field
    places = np.stack(np.meshgrid(field.x, field.y), axis=-1).reshape(-1, 2)
    apart = torch.cdist(torch.from_numpy(scene.positions).double(), torch.from_numpy(places).double())
    nearest = field.log10_magnification.ravel()[apart.argmin(dim=1)]
    np.testing.assert_array_equal(shown_magnification(scene), nearest)
    assert np.isfinite(nearest).all()
