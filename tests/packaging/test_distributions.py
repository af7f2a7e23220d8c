"""What travels in the wheel and in the source distribution, and how much it weighs."""

import subprocess
import tarfile
import zipfile

import pytest

from tests.packaging.conftest import PROJECT

pytestmark = pytest.mark.slow

N_BYTES_AT_MOST = 64_000_000
BUNDLED = ("app.py", "pages/", ".streamlit/", "configs/", "checkpoints/", "assets/")
ONLY_IN_THE_README = "assets/readme/"


def tracked(*folders):
    """Files of the clone that belong to it, as far as they exist."""
    listed = subprocess.run(["git", "ls-files", *folders], cwd=PROJECT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()}


@pytest.fixture(scope="module")
def in_wheel(distributions):
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_both_are_small_enough_to_be_handed_on(distributions):
    files = list(distributions.iterdir())
    assert sorted(file.name.rsplit(".", 1)[-1] for file in files) == ["gz", "whl"]
    assert all(file.stat().st_size <= N_BYTES_AT_MOST for file in files)


def test_every_file_of_the_program_travels_in_the_wheel(in_wheel):
    bundled = {f"geovq/bundled/{name}" for name in tracked(*BUNDLED) if not name.startswith(ONLY_IN_THE_README)}
    assert bundled | tracked("geovq") <= in_wheel
    assert "geovq/py.typed" in in_wheel


def test_nothing_else_travels_in_the_wheel(in_wheel):
    surplus = {name for name in in_wheel if not name.startswith("geovq/") and ".dist-info/" not in name}
    assert not surplus
    assert not any("__pycache__" in name or name.startswith("geovq/tests") for name in in_wheel)


def test_the_source_distribution_holds_what_the_wheel_is_built_from(distributions):
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked("geovq", "tests", *BUNDLED) <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"} <= names
