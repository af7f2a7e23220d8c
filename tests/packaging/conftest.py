"""geovq as others get it: built, and installed into an environment of its own, outside the clone."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

Completed = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds the source distribution and the wheel of this clone."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=120)
    return folder


class Installed:
    """The wheel in an environment of its own, which sees the packages of this one but not this clone.

    Attributes
    ----------
    python, command : Path
        The environment's interpreter, and its console command.
    bundle : Path
        Folder of the files that travel with the program.
    elsewhere : Path
        An empty folder to work in.
    """

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        self.python, self.command = scripts / "python", scripts / "geovq"
        (site,) = (folder / "venv").glob("[Ll]ib/**/site-packages")
        packages = sysconfig.get_path("purelib")
        # Through addsitedir, which reads the .pth files over there too.
        (site / "packages.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
        install = [str(self.python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
        subprocess.run(install, env=self.environment(), check=True, capture_output=True, timeout=120)
        self.bundle = site / "geovq" / "bundled"

    def environment(self, **more: str) -> dict[str, str]:
        """Ours, without what could lead to this clone, and with one thread, since models are tiny."""
        kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "GEOVQ_OUTPUTS"}}
        return {**kept, "OMP_NUM_THREADS": "1", **more}

    def run(self, *words: object, folder: Path | None = None, timeout_s: float = 120) -> Completed:
        """Run a command line of the environment, in `elsewhere` unless told otherwise."""
        return subprocess.run(
            [str(word) for word in words],
            cwd=folder or self.elsewhere,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def geovq(self, *arguments: object, folder: Path | None = None) -> Completed:
        """Run the console command."""
        return self.run(self.command, *arguments, folder=folder)


@pytest.fixture(scope="session")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed."""
    (wheel,) = distributions.glob("*.whl")
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


@pytest.fixture
def refused() -> Callable[[Completed], str]:
    """The one sentence that a command ended with."""

    def sentence(done: Completed) -> str:
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("geovq: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    return sentence
