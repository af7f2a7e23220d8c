"""Runs that are measured on hardly any held-out image."""

import json

import pytest

from geovq.app.shared.findings import rate_distortion_finding
from geovq.config import parse_config
from geovq.runs import open_run
from geovq.runs.remeasuring import largest_difference, remeasure
from geovq.runs.worker import work_on_run
from tests.conftest import TINY


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no number")


@pytest.mark.parametrize("n_images", [1, 2])
def test_a_run_measured_on_few_images_says_numbers_only(tmp_path, n_images):
    settings = {"tokenizers": ["kmeans", "riemannian"], "priors": ["kmeans"], "evaluation": {"n_images": n_images}}
    work_on_run(parse_config({**TINY, **settings}), tmp_path / "run", terminal=False)
    for file in (tmp_path / "run" / "evaluation").iterdir():
        json.loads(file.read_text(), parse_constant=refuse)
    run = open_run(tmp_path / "run")
    measured = remeasure(run)
    json.dumps(measured, allow_nan=False)
    assert largest_difference(run, measured) == 0
    assert ("mse_standard_error" in measured["vae"]) == (n_images > 1)
    finding = rate_distortion_finding(run.measurements, "riemannian", "kmeans")
    assert ("do not differ clearly" in finding) or n_images > 1
