"""The table of what geodesic distances are good for."""

import json

import numpy as np
import pytest

from geovq.benchmarks.geodesics import bench_geodesics
from geovq.benchmarks.geodesics_table import GeodesicRow, geodesics_table, samples_table
from geovq.errors import ArtifactError
from geovq.runs.pipeline import prepare_run


def rows(seed: int, geodesic_overlap: float) -> list[GeodesicRow]:
    noise = np.random.default_rng(seed).normal(0, 0.01, 50)
    overlaps = {"euclidean": 0.4, "local": 0.5, "geodesic": geodesic_overlap}
    return [
        GeodesicRow("digits", "a", seed, kind, list(mean + noise), None, [0.9] * 50, [2.0] * 50)
        for kind, mean in overlaps.items()
    ]


def test_differences_are_taken_query_by_query_and_none_is_said_where_there_is_none() -> None:
    table = geodesics_table(rows(0, 0.5) + rows(1, 0.5), k=7)
    assert table.startswith("digits; 2 seeds, 50 landmarks each; mean and 95 % interval\n  overlap@7")
    # The noise of a landmark is the same by all distances, so it leaves the differences.
    assert "geodesic against Euclidean: +0.100 (+0.100 to +0.100)" in table
    assert "geodesic against local metric: no difference (+0.000 to +0.000)" in table
    assert "purity@7 of labels: not measured" in table


def test_a_run_is_measured_by_every_distance(tiny_run, tmp_path, capsys) -> None:
    out = tmp_path / "geodesics.json"
    found = bench_geodesics([tiny_run], n_queries=12, k=5, out=out)
    assert [row.kind for row in found] == ["euclidean", "local", "geodesic"]
    for row in found:
        assert len(row.overlap) == len(row.evenness) == len(row.length) == 12
        assert row.purity is not None
        assert 0 < np.mean(row.overlap) <= 1
        assert 0 < min(row.evenness) <= max(row.evenness) <= 1
    assert json.loads(out.read_text())["k"] == 5
    assert "mnist-sample; 1 seed, 12 landmarks each" in capsys.readouterr().out


def test_samples_are_listed_where_there_are_some() -> None:
    drawn = {
        "entropy_bits": 4.5,
        "prior_bits_per_image": 136.1,
        "samples_frechet_distance": 5.214,
        "samples_classes_covered": 10,
        "samples_count": 64,
    }
    table = samples_table({"digits/a": {"riemannian": drawn, "kmeans": {"entropy_bits": 6.6}}})
    assert len(table.splitlines()) == 2
    assert "Riemannian" in table
    assert table.endswith("136.1 bits/image  Fréchet distance 5.21  10 classes covered by 64 samples")
    assert samples_table({"digits/a": {"kmeans": {"entropy_bits": 6.6}}}) == ""


def test_a_run_without_geometry_is_named(tiny_config, tmp_path) -> None:
    prepare_run(tiny_config, tmp_path / "run")
    with pytest.raises(ArtifactError, match=r"has no geometry yet; .*discretize"):
        bench_geodesics([tmp_path / "run"], n_queries=5, k=5, out=None)
