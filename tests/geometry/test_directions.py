"""Which directions the settings lead to, and what is said about it."""

import pytest
import torch

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError
from geovq.geometry import load_geometry, measure_geometry, sample_landmarks
from geovq.geometry.directions import choose_directions
from tests.geometry.listeners import Listener
from tests.geometry.metric.test_pixel_directions import correlated_lattices, linear_decoder, random

JACOBIAN = random(5, 24, seed=5)


def chosen(decoder=None, **settings):
    listener = Listener()
    config = GeometryConfig(residual_variance=0.0, **settings)
    frame = choose_directions(correlated_lattices(24), config, seed=0, decoder=decoder, progress=listener)
    return frame, listener.notes


def test_auto_takes_pixel_directions_where_pca_keeps_more_than_the_most_and_says_so():
    frame, notes = chosen(linear_decoder(JACOBIAN))
    assert (frame.kind, frame.n_active) == ("pixel", 5)
    assert notes == [
        "Principal directions would be 24, more than geometry.max_active = 16, so the directions that move the picture "
        "most are taken."
    ]
    frame, notes = chosen(linear_decoder(JACOBIAN), max_active=24)
    assert (frame.kind, frame.n_active, notes) == ("principal", 24, [])


@pytest.mark.parametrize(("directions", "kind", "n_active"), [("pca", "principal", 24), ("pixel", "pixel", 3)])
def test_what_is_named_is_taken(directions, kind, n_active):
    frame, notes = chosen(linear_decoder(JACOBIAN), directions=directions, max_active=3)
    assert (frame.kind, frame.n_active, notes) == (kind, n_active, [])


def test_auto_keeps_principal_directions_of_a_decoder_that_cannot_tell_and_says_why():
    frame, notes = chosen(lambda lattices: linear_decoder(JACOBIAN)(lattices.round()), max_active=10)
    assert frame.kind == "principal"
    assert len(notes) == 1
    assert "would be 24, more than geometry.max_active = 10; they are kept, since pixel" in notes[0]
    assert "derivative is zero" in notes[0]
    assert chosen(None)[0].kind == "principal"


def test_pixel_directions_that_are_asked_for_need_a_decoder():
    with pytest.raises(InvalidValueError, match="pixel directions need the decoder"):
        chosen(None, directions="pixel")


def test_a_sentence_says_what_is_given_up():
    frame, _ = chosen(linear_decoder(JACOBIAN), directions="pixel", max_active=3)
    assert frame.sentence() == (
        f"3 of 24 latent directions are active, pixel ones ({frame.residual_pixel_variance:.2%} of the pictures' "
        f"variance and {frame.residual_variance:.2%} of the latents' variance is left out)"
    )
    assert chosen(None)[0].sentence() == (
        "24 of 24 latent directions are active, principal ones (0.00% of the latents' variance is left out)"
    )


def test_a_saved_geometry_keeps_its_pixel_directions(tmp_path):
    decoder, lattices = linear_decoder(JACOBIAN), correlated_lattices(24)
    config = GeometryConfig(n_images=60, n_landmarks=200, n_neighbors=5, directions="pixel")
    sample = sample_landmarks(lattices, config, seed=0, decoder=decoder)
    geometry = measure_geometry(decoder, sample, config)
    geometry.save(tmp_path / "geometry.safetensors")
    restored = load_geometry(tmp_path / "geometry.safetensors").sample.subspace
    for name in ("mean", "basis", "variances", "dual", "lost_pixel_variance"):
        assert torch.equal(getattr(restored, name), getattr(sample.subspace, name))
    # A linear decoder has one metric, that of the orthonormal frame.
    expected = (JACOBIAN @ restored.basis).T @ (JACOBIAN @ restored.basis)
    torch.testing.assert_close(geometry.metrics, expected.expand_as(geometry.metrics), rtol=1e-3, atol=1e-3)
