"""Ways of a linear decoder against closed forms, and of a bent one against what its own metric promises."""

import numpy as np
import pytest
import torch

from geovq.config import GeometryConfig
from geovq.evaluation.ways import measure_ways
from geovq.geometry import measure_geometry, sample_landmarks

CONFIG = GeometryConfig(n_images=40, n_landmarks=600, n_neighbors=8, n_context=8, residual_variance=0.0)
STARTS, ENDS = np.arange(0, 60, 2), np.arange(301, 361, 2)


def geometry_of(decoder):
    lattices = torch.rand(40, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    return measure_geometry(decoder, sample_landmarks(lattices, CONFIG, seed=0), CONFIG)


def test_a_linear_decoder_is_even_on_straight_lines_whose_length_is_the_chord():
    def decoder(lattices):
        return lattices * torch.tensor([3.0, 0.5])[:, None, None]

    geometry = geometry_of(decoder)
    ways = measure_ways(decoder, geometry, STARTS, ENDS)
    latents = geometry.sample.landmark_latents
    chords = ((latents[STARTS] - latents[ENDS]) * torch.tensor([3.0, 0.5])).norm(dim=1)
    for kind in ("euclidean", "local"):
        np.testing.assert_allclose(ways[kind].evenness, 1.0, rtol=1e-4)
        np.testing.assert_allclose(ways[kind].lengths, chords, rtol=1e-4)
    assert (ways["geodesic"].lengths >= chords.numpy() * (1 - 1e-4)).all()


def test_a_clock_that_runs_by_the_metric_is_more_even_where_speed_changes():
    def decoder(lattices):  # speed along the first channel grows from 0.1 to 4.1
        return torch.cat([0.1 * lattices[:, :1] + 2 * lattices[:, :1] ** 2, 0.1 * lattices[:, 1:]], dim=1)

    ways = measure_ways(decoder, geometry_of(decoder), STARTS, ENDS)
    assert ways["local"].evenness.mean() > ways["euclidean"].evenness.mean() + 0.02
    assert ways["geodesic"].evenness.mean() > ways["euclidean"].evenness.mean()
    assert ways["local"].lengths == pytest.approx(ways["euclidean"].lengths, rel=0.02)  # the same line
