"""The wheel in a fresh environment, in an empty folder: its commands, its jobs and its app; and what it refuses."""

import json
import socket
import subprocess
import time
import urllib.request

import pytest
import yaml

from geovq.config import load_config
from tests.conftest import TINY
from tests.packaging.conftest import PROJECT

pytestmark = pytest.mark.slow

SHIPPED = {path: load_config(path) for path in (PROJECT / "checkpoints").glob("*/config.yaml")}
SMALL = {**TINY, "tokenizers": ["kmeans"], "refits": [], "priors": []}

HOME = """
import json, warnings
from streamlit.testing.v1 import AppTest
from geovq.bundle import bundled
app = AppTest.from_file(str(bundled("app.py")), default_timeout=60).run()
print(json.dumps({"titles": [t.value for t in app.title], "errors": [e.value for e in [*app.exception, *app.error]],
                  "runs": app.sidebar.selectbox[0].options}))
"""

JOB = """
import sys, time
from geovq.config import load_config
from geovq.jobs import launch
from geovq.runs import outputs_root
from geovq.runs.process.status import State, read_status
job = launch(load_config(sys.argv[1]), outputs_root())
deadline = time.monotonic() + 90
while (status := read_status(job.run_path)).state in {State.QUEUED, State.RUNNING}:
    assert time.monotonic() < deadline, (job.run_path / "job.log").read_text()
    time.sleep(0.05)
assert status.state is State.DONE, (job.run_path / "job.log").read_text()
"""


@pytest.fixture(scope="module")
def config_file(installed):
    file = installed.elsewhere / "small.yaml"
    file.write_text(yaml.safe_dump(SMALL))
    return file


@pytest.fixture
def decoy(tmp_path):
    """A folder with another geovq in it, which must not run."""
    (tmp_path / "geovq").mkdir()
    for name in ("__init__", "__main__"):
        (tmp_path / "geovq" / f"{name}.py").write_text("raise SystemExit('the wrong geovq')\n")
    return tmp_path


@pytest.fixture
def hidden(installed):
    """Takes a file of the installed program away until the test ends."""
    moved = []

    def hide(*parts):
        path = installed.bundle.joinpath(*parts)
        path.rename(aside := path.with_name(f"{path.name}.aside"))
        moved.append((aside, path))
        return path

    yield hide
    for aside, path in moved:
        aside.rename(path)


def test_it_says_where_it_is(installed):
    done = installed.geovq("--version")
    assert done.stdout == f"geovq 0.1.0 in {installed.bundle.parents[1]} (installed)\n"


def test_beside_a_clone_it_says_which_of_them_runs(installed):
    ours, theirs = installed.bundle.parents[1], PROJECT
    done = installed.geovq("--version", folder=PROJECT)
    assert done.stdout == f"geovq 0.1.0 in {ours} (installed), not the one in {theirs}\n"
    done = installed.run(installed.python, "-m", "geovq", "--version", folder=PROJECT)
    assert done.stdout == f"geovq 0.1.0 in {theirs} (a clone), not the one in {ours}\n"


def test_the_shipped_runs_are_listed(installed):
    done = installed.geovq("runs")
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines()[2:]]
    assert sorted(listed) == sorted(f"{config.data.dataset}/{config.name}" for config in SHIPPED.values())


def test_a_run_is_made_in_the_current_folder(installed, config_file):
    done = installed.geovq("run", config_file)
    assert done.returncode == 0, done.stderr
    assert (installed.elsewhere / "outputs" / "mnist-sample" / "tiny" / "evaluation" / "kmeans.json").is_file()


def test_a_job_runs_the_geovq_that_started_it(installed, config_file, decoy):
    done = installed.run(installed.python, "-P", "-c", JOB, config_file, folder=decoy)
    assert done.returncode == 0, done.stderr
    assert (decoy / "outputs" / "mnist-sample" / "tiny" / "manifest.json").is_file()


def test_the_first_page_opens_without_an_error(installed):
    done = installed.run(installed.python, "-c", HOME)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["titles"] == ["The geometry of a latent space, made visible"]
    assert found["errors"] == []
    assert len(found["runs"]) >= len(SHIPPED)


def test_the_app_is_served_to_this_machine_alone(installed, decoy):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(installed.command), "app", "--port", str(port), "--no-browser"]
    with (decoy / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=decoy, env=installed.environment(), stdout=log, stderr=log)
    try:
        page = ""
        deadline = time.monotonic() + 60
        while not page:
            assert server.poll() is None, (decoy / "log").read_text()
            assert time.monotonic() < deadline, (decoy / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    page = answer.read().decode()
            except OSError:
                time.sleep(0.1)
        assert "streamlit" in page.lower()
        with socket.socket() as stranger:
            assert stranger.connect_ex(("127.0.0.2", port)) != 0
    finally:
        server.terminate()
        server.wait(timeout=20)
    said = (decoy / "log").read_text()
    assert said.startswith(f"geovq 0.1.0 in {installed.bundle.parents[1]} (installed), not the one in {decoy}\n")
    assert f"The app is at http://127.0.0.1:{port}; Ctrl+C ends it." in said


def test_a_port_in_use_is_one_sentence(installed, refused):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(installed.geovq("app", "--port", port))
    assert f"Port {port} of 127.0.0.1 cannot be used (Address already in use); choose another, as in --port " in said


@pytest.mark.parametrize("parts", [("app.py",), ("pages",), ("pages", "home.py"), (".streamlit", "config.toml")])
def test_a_file_of_the_app_that_is_missing_is_named(installed, hidden, refused, parts):
    path = hidden(*parts)
    said = refused(installed.geovq("app"))
    assert str(path) in said
    assert "is missing from this geovq; `pip install --force-reinstall --no-deps geovq` restores it." in said


def test_images_that_are_missing_are_named(installed, hidden, refused, config_file, tmp_path):
    path = hidden("assets", "data", "mnist-train.npz")
    said = refused(installed.geovq("run", config_file, "--out", tmp_path / "run"))
    assert f"{path} cannot be read (No such file or directory); `pip install --force-reinstall" in said


def test_a_weight_of_a_shipped_run_that_is_missing_is_named(installed, hidden, refused):
    path = hidden("checkpoints", "demo", "vae.safetensors")
    said = refused(installed.geovq("evaluate", installed.bundle / "checkpoints" / "demo"))
    assert f"{path} is missing; `pip install --force-reinstall" in said


def test_presets_are_named_where_they_are(installed, refused):
    said = refused(installed.geovq("run", "configs/absent.yaml"))
    assert f"the shipped experiments are in {installed.bundle / 'configs'}." in said
