import pytest

from geovq.errors import ArtifactError
from geovq.runs import open_run
from geovq.runs.remeasuring import largest_difference, remeasure


def test_measuring_again_gives_the_same_numbers_and_changes_no_file(run):
    files = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    opened = open_run(run)
    measured = remeasure(opened)
    assert measured == dict(opened.measurements)  # the same CPU: not one bit differs
    assert largest_difference(opened, measured) == 0.0
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == files


def test_the_largest_difference_is_relative_and_over_all_numbers(tiny_run):
    opened = open_run(tiny_run)
    measured = {name: dict(values) for name, values in opened.measurements.items()}
    measured["vae"]["mse"] *= 1.01
    measured["kmeans"]["n_used"] *= 2
    assert largest_difference(opened, measured) == pytest.approx(0.5)
    measured["kmeans"]["added"] = 1.0
    assert largest_difference(opened, measured) == float("inf")


def test_a_run_without_measurements_is_named(run):
    (run / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match=rf"has no measurements yet; `python -m geovq run {run}` makes them"):
        remeasure(open_run(run))


def test_damaged_tokens_are_named_before_anything_is_measured(run):
    (run / "tokens" / "kmeans.npz").write_bytes(b"nothing of use")
    with pytest.raises(ArtifactError, match=r"tokens/kmeans\.npz is damaged"):
        remeasure(open_run(run))
