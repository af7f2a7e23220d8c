"""The table of rate and distortion over seeds."""

import json

import pytest

from geovq.benchmarks.quality import QualityRow, bench_quality, quality_table
from geovq.errors import ArtifactError, InvalidValueError
from geovq.runs.pipeline import prepare_run


def row(seed: int, method: str, distortion: float, bits: float) -> QualityRow:
    return QualityRow("digits", seed, method, 16, 4, 1_000, distortion, bits)


def test_ratios_are_taken_per_seed_before_they_are_averaged():
    rows = [
        row(0, "kmeans", 0.010, 4.0),
        row(0, "riemannian", 0.005, 3.0),
        row(1, "kmeans", 0.040, 4.0),
        row(1, "riemannian", 0.010, 3.0),
    ]
    table = quality_table(rows, ["kmeans", "riemannian"])
    title, _, kmeans, riemannian = table.splitlines()
    assert title == "digits; 2 seeds, 1,000 held-out images, A = 4"
    assert kmeans.split()[1:] == ["kmeans", "0.02500", "4.00", "1.00", "(1.00–1.00)"]
    # Mean of 1/2 and 1/4, not the ratio 0.30 of the means.
    assert riemannian.split()[1:] == ["riemannian", "0.00750", "3.00", "0.38", "(0.25–0.50)"]


def test_a_run_is_measured_for_every_method_and_number_of_codes(tiny_run, tmp_path, capsys):
    out = tmp_path / "quality.json"
    rows = bench_quality(
        [tiny_run], n_codes=[4, 8], methods=["kmeans", "riemannian", "prototype"], n_images=50, out=out
    )
    assert [(row.method, row.n_codes) for row in rows] == [
        (method, n_codes) for method in ("kmeans", "riemannian", "prototype") for n_codes in (4, 8)
    ]
    assert all(row.n_images == 50 and 0 < row.bits_per_token <= 3 and row.distortion > 0 for row in rows)
    assert len(json.loads(out.read_text())["rows"]) == len(rows)
    assert str(out) in capsys.readouterr().out


def test_unknown_methods_and_runs_without_a_vae_are_refused(tiny_run, tiny_config, tmp_path):
    options = {"n_codes": [4], "n_images": 10, "out": None}
    with pytest.raises(InvalidValueError, match=r"methods must be among kmeans, .*; got vqvae"):
        bench_quality([tiny_run], methods=["vqvae"], **options)
    prepare_run(tiny_config, tmp_path / "new")
    with pytest.raises(ArtifactError, match=r"has no VAE yet; .*train-vae"):
        bench_quality([tmp_path / "new"], methods=["kmeans"], **options)
