import pytest

from geovq.errors import InvalidValueError, JobError
from geovq.jobs import delete_run, resolve_run, tail_log
from geovq.runs.process.status import State, Status, write_status


@pytest.fixture
def run(root):
    path = root / "mnist" / "base"
    path.mkdir(parents=True)
    (path / "vae.safetensors").touch()
    write_status(path, Status(State.DONE))
    return path


def test_an_id_resolves_inside_the_root_whether_or_not_the_run_exists(root, run):
    assert resolve_run(root, "mnist/base") == run.resolve()
    assert resolve_run(root, "fashion_mnist-sample/a.b-c_1") == root.resolve() / "fashion_mnist-sample" / "a.b-c_1"


@pytest.mark.parametrize(
    "run_id",
    ["", "mnist", "mnist/", "/base", "mnist/..", "mnist/../base", "../mnist/base", "mnist/.queue", "mnist/base/",
     "mnist/a/b", "mnist/base\n", "mnist/Base", "cifar/base", "/etc/passwd", "mnist\\base", "mnist/a\0",
     f"mnist/{'a' * 65}"],
)  # fmt: skip
def test_any_other_id_is_refused(root, run_id):
    with pytest.raises(InvalidValueError, match="is not a run id; it must be dataset/name"):
        resolve_run(root, run_id)


@pytest.mark.parametrize("link", ["mnist-sample", "mnist-sample/base"])
def test_a_link_does_not_lead_out_of_the_root(root, run, tmp_path, link):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "base").mkdir(parents=True)
    (root / link).parent.mkdir(exist_ok=True)
    (root / link).symlink_to(elsewhere)
    for attempt in (
        lambda: resolve_run(root, "mnist-sample/base"),
        lambda: delete_run(root / "mnist-sample/base", root),
    ):
        with pytest.raises(InvalidValueError, match="is reached through a link"):
            attempt()
    assert (elsewhere / "base").exists()


def test_a_deleted_run_is_gone_and_nothing_else(root, run):
    (root / "mnist" / "other").mkdir()
    delete_run(run, root)
    assert [path.name for path in (root / "mnist").iterdir()] == ["other"]


def test_a_relative_path_is_the_same_run(root, run, monkeypatch):
    monkeypatch.chdir(root.parent)
    delete_run("outputs/mnist/base", "outputs")
    assert not run.exists()


def test_a_run_at_work_is_not_deleted(jobs):
    job = jobs.launch("base")
    with pytest.raises(JobError, match="mnist-sample/base is queued in process"):
        delete_run(job.run_path, jobs.root)
    assert (job.run_path / "config.yaml").exists()


def test_only_runs_below_the_root_are_deleted(root, run, tmp_path):
    outside = tmp_path / "elsewhere" / "mnist" / "base"
    outside.mkdir(parents=True)
    for path in (outside, root, root / "mnist", tmp_path, run / "..", run / "../../mnist/../../elsewhere/mnist/base"):
        with pytest.raises(InvalidValueError):
            delete_run(path, root)
    assert outside.exists()
    assert run.exists()


def test_a_shipped_run_is_not_deleted_even_if_it_is_the_outputs_folder(root, run, monkeypatch):
    monkeypatch.setattr("geovq.runs.layout.SHIPPED_ROOT", root.resolve())
    with pytest.raises(JobError, match="ships with geovq and is read-only"):
        delete_run(run, root)
    assert run.exists()


def test_a_run_that_does_not_exist_is_named(root):
    with pytest.raises(JobError, match="mnist/base does not exist"):
        delete_run(root / "mnist" / "base", root)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path):
    assert tail_log(tmp_path) == ""
    (tmp_path / "job.log").write_bytes(b"one\ntwo\n\xff\nfour\n")
    assert tail_log(tmp_path, 3) == "two\n\N{REPLACEMENT CHARACTER}\nfour"
    (tmp_path / "job.log").write_text("x" * 79 + "\n" * 1_000_000 + "end\n")
    assert tail_log(tmp_path, 2) == "\nend"
