import json
import os
import shutil

import pytest

from geovq.runs import listing, open_run
from geovq.runs.listing import list_runs
from geovq.runs.process.status import State, Status, write_status


@pytest.fixture
def shipped(tmp_path, monkeypatch, tiny_run):
    root = tmp_path / "checkpoints"
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", root)
    shutil.copytree(tiny_run, root / "demo")
    return root


@pytest.fixture
def add(root, tiny_run):
    """Adds a copy of the run under another name and age."""

    def add(name, created, dataset="mnist-sample"):
        path = root / dataset / name
        shutil.copytree(tiny_run, path)
        text = (path / "config.yaml").read_text().replace("name: tiny", f"name: {name}")
        (path / "config.yaml").write_text(text.replace("dataset: mnist-sample", f"dataset: {dataset}"))
        os.utime(path / "config.yaml", (created, created))
        return path

    return add


def test_own_runs_come_first_from_the_newest_then_the_shipped_ones(add, shipped):
    add("oldest", 1.0)
    add("newest", 3.0, "fashion_mnist-sample")
    add("middle", 2.0)
    assert [(run.id, run.shipped, run.state) for run in list_runs()] == [
        ("fashion_mnist-sample/newest", False, State.DONE),
        ("mnist-sample/middle", False, State.DONE),
        ("mnist-sample/oldest", False, State.DONE),
        ("mnist-sample/tiny", True, None),
    ]
    assert [run.created for run in list_runs(shipped=False)] == [3.0, 2.0, 1.0]


def test_no_root_is_no_runs(root):
    assert list_runs(shipped=False) == []
    assert list_runs(root / "absent", shipped=False) == []


def test_headlines_are_the_measured_numbers(run):
    (summary,) = list_runs(shipped=False)
    measured = summary.measurements
    assert summary.headline == {
        "vae_mse": measured["vae"]["mse"],
        "n_codes": 8,
        "kmeans_bits_per_token": measured["kmeans"]["entropy_bits"],
        "kmeans_distortion": measured["kmeans"]["distortion"],
        "riemannian_bits_per_token": measured["riemannian"]["entropy_bits"],
        "riemannian_distortion": measured["riemannian"]["distortion"],
    }


def test_a_run_that_was_only_launched_is_listed(run):
    (run / "manifest.json").unlink()
    write_status(run, Status(State.FAILED))
    (summary,) = list_runs(shipped=False)
    assert (summary.state, summary.headline, summary.problem) == (State.FAILED, {}, "")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", "data: ["),
        ("config.yaml", "nome: x"),
        ("manifest.json", "{"),
        ("manifest.json", '{"format": 0}'),
        ("status.json", "{"),
        ("evaluation/vae.json", "{}"),
    ],
)
def test_a_broken_run_is_listed_with_its_problem_beside_sound_ones(add, file, content):
    broken = add("broken", 2.0)
    (broken / file).write_text(content)
    os.utime(broken / "config.yaml", (2.0, 2.0))
    add("sound", 1.0)
    first, second = list_runs(shipped=False)
    assert (first.id, first.path, first.state) == ("mnist-sample/broken", broken, None)
    assert file in first.problem
    assert (second.id, second.problem) == ("mnist-sample/sound", "")


def test_a_run_is_read_once_until_one_of_its_files_changes(run, monkeypatch):
    read = []
    monkeypatch.setattr(listing, "open_run", lambda path: read.append(path) or open_run(path))
    assert list_runs(shipped=False) == list_runs(shipped=False)
    assert len(read) == 1
    values = json.loads((run / "manifest.json").read_text())
    del values["stages"]["evaluation:kmeans"]
    (run / "manifest.json").write_text(json.dumps(values))
    (summary,) = list_runs(shipped=False)
    assert "kmeans" not in summary.measurements
    assert summary.unfinished == ("evaluation:kmeans",)


def test_the_state_of_a_job_is_never_kept(run):
    write_status(run, Status(State.FAILED))
    assert [summary.state for summary in list_runs(shipped=False)] == [State.FAILED]
    write_status(run, Status(State.DONE))
    assert [summary.state for summary in list_runs(shipped=False)] == [State.DONE]


def test_what_is_not_a_run_is_not_listed(root, run):
    (root / "mnist-sample" / "empty").mkdir()
    (root / "mnist-sample" / "file").touch()
    (root / ".queue").mkdir(exist_ok=True)
    shutil.copytree(run, run.with_name(".tiny.deleted.0123"))
    assert [summary.id for summary in list_runs(shipped=False)] == ["mnist-sample/tiny"]
