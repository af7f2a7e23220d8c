"""What is thrown away, and above all what is not."""

import os
import time
from pathlib import Path

import pytest

from geovq.errors import JobError
from geovq.jobs.cleaning import delete, rubbish
from geovq.runs.process.pids import this_process
from geovq.runs.process.status import State, Status, write_status

DAY_S = 86_400


@pytest.fixture
def root(tmp_path) -> Path:
    return (tmp_path / "outputs").resolve()


def aged(path: Path, days: float) -> Path:
    for one in (*path.rglob("*"), path):
        os.utime(one, times=(time.time() - days * DAY_S,) * 2)
    return path


def add_run(root: Path, name: str, state: State | None, *, days: float = 0, dataset: str = "mnist") -> Path:
    path = root / dataset / name
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("seed: 1\n")
    if state is not None:
        pid, started = this_process()
        write_status(path, Status(state, pid=pid, pid_started=started))
    return aged(path, days)


def names(found) -> dict[str, str]:
    return {one.path.name: one.why for one in found}


def test_only_what_came_to_nothing_is_listed(root):
    for state in State:
        add_run(root, f"run-{state}", state)
    add_run(root, "run-without-status", None)
    assert names(rubbish(root)) == {"run-failed": "failed", "run-cancelled": "cancelled"}


def test_old_runs_are_listed_if_asked_for_but_none_at_work(root):
    for state in State:
        add_run(root, f"run-{state}", state, days=40)
    add_run(root, "recent", State.DONE, days=20)
    found = names(rubbish(root, older_than_days=30))
    assert found.pop("run-failed") == "failed"
    assert found.pop("run-cancelled") == "cancelled"
    assert found == {"run-done": "old", "run-lost": "old"}
    assert names(rubbish(root)) == {"run-failed": "failed", "run-cancelled": "cancelled"}


def test_a_run_is_as_old_as_its_newest_file(root):
    path = add_run(root, "base", State.DONE, days=40)
    (path / "tokens").mkdir()
    (path / "tokens" / "kmeans.npz").write_bytes(b"new")
    aged(path / "config.yaml", 50)
    assert rubbish(root, older_than_days=30) == []


def test_leftovers_are_listed_when_nobody_can_be_writing_them_any_more(root):
    run = add_run(root, "base", State.DONE)
    left = [
        run / "tokens" / ".kmeans.npz.0a1b2c3d.part",
        root / "mnist" / ".gone.deleted.0a1b2c3d" / "vae.safetensors",
        root / "mnist" / ".copy.0a1b2c3d.part" / "config.yaml",
    ]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(1_000))
    assert rubbish(root) == []
    for file in left:
        aged(file, 1)
        aged(file.parent, 1)
    found = rubbish(root)
    assert set(names(found).values()) == {"left over"}
    assert [one.n_bytes for one in found] == [1_000] * 3
    for one in found:
        delete(one, root)
    assert rubbish(root) == []
    assert (run / "config.yaml").exists()


@pytest.mark.parametrize(
    "name", [".part", "x.part", ".x.part", ".x.0a1b2c3d.parts", ".x.deleted.0a1b", "a.deleted.0a1b2c3d"]
)
def test_what_geovq_does_not_name_so_stays(root, name):
    run = add_run(root, "base", State.DONE)
    (run / name).write_text("mine")
    aged(run / name, 90)
    assert rubbish(root) == []


def test_nothing_is_reached_through_a_link(root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    add_run(elsewhere, "failed", State.FAILED, days=40)
    part = elsewhere / "mnist" / "failed" / ".a.0a1b2c3d.part"
    part.write_text("mine")
    aged(part, 1)
    root.mkdir()
    (root / "mnist-sample").symlink_to(elsewhere / "mnist")
    (root / "mnist").mkdir()
    (root / "mnist" / "linked").symlink_to(elsewhere / "mnist" / "failed")
    inner = add_run(root, "base", State.DONE)
    (inner / "more").symlink_to(elsewhere / "mnist" / "failed")
    (inner / ".b.0a1b2c3d.part").symlink_to(part)
    assert rubbish(root, older_than_days=1) == []
    assert part.exists()


def test_a_link_inside_a_run_is_removed_and_not_what_it_leads_to(root, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    run = add_run(root, "base", State.FAILED)
    (run / "link").symlink_to(tmp_path / "mine")
    (one,) = rubbish(root)
    delete(one, root)
    assert not run.exists()
    assert (tmp_path / "mine" / "file").exists()


def test_folders_that_are_no_runs_stay(root):
    for path in (root / "notes" / "mine", root / "mnist" / "Mine", root / ".queue" / "x"):
        path.mkdir(parents=True)
        write_status(path, Status(State.FAILED))
        aged(path, 90)
    assert rubbish(root, older_than_days=1) == []


def test_shipped_runs_stay_even_if_the_root_is_theirs(root, monkeypatch):
    add_run(root, "base", State.FAILED, days=90)
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", root)
    assert rubbish(root, older_than_days=1) == []


def test_a_run_that_somebody_has_resumed_since_it_was_listed_stays(root):
    path = add_run(root, "base", State.FAILED)
    part = add_run(root, "other", State.DONE) / ".a.0a1b2c3d.part"
    part.write_text("half")
    aged(part, 1)
    found = rubbish(root)
    assert len(found) == 2
    pid, started = this_process()
    for run in (path, part.parent):
        write_status(run, Status(State.RUNNING, pid=pid, pid_started=started))
    for one in found:
        with pytest.raises(JobError, match="wait until it ends"):
            delete(one, root)
    assert path.exists()
    assert part.exists()


def test_a_root_that_is_not_there_holds_nothing(root):
    assert rubbish(root) == []
