"""Where the files of the program are, in a clone and in a package."""

from pathlib import Path

import pytest

from geovq import __version__, bundle
from geovq.errors import ArtifactError

pytestmark = pytest.mark.smoke

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package as a wheel has it, with nothing in its bundle yet."""
    package = tmp_path / "site-packages" / "geovq"
    (package / "bundled").mkdir(parents=True)
    monkeypatch.setattr(bundle, "files", lambda name: package)
    return package


def test_in_a_clone_files_are_at_its_top():
    assert bundle.bundled("configs", "demo.yaml") == PROJECT / "configs" / "demo.yaml"
    assert not bundle.is_installed()


def test_in_a_package_files_are_inside_it(package):
    assert bundle.bundled("configs") == package / "bundled" / "configs"
    assert bundle.is_installed()


def test_what_is_missing_is_named_with_the_way_back(package, monkeypatch):
    with pytest.raises(ArtifactError, match=r"bundled/app\.py is missing from this geovq; `pip install --force-reinst"):
        bundle.require_bundled("app.py")
    (package / "bundled" / "app.py").touch()
    assert bundle.require_bundled("app.py") == package / "bundled" / "app.py"


def test_the_way_back_in_a_clone_is_relative_to_its_top():
    assert bundle.restoring(PROJECT / "assets" / "data") == "`git checkout -- assets/data` restores it"


def test_other_copies_are_named(package, monkeypatch, tmp_path):
    (package / "__init__.py").touch()
    monkeypatch.setattr(bundle, "distributions", lambda name: [])
    monkeypatch.chdir(PROJECT)
    expected = f"geovq {__version__} in {package.parent} (installed), not the one in {PROJECT}"
    assert bundle.whereabouts() == expected
    monkeypatch.chdir(tmp_path)
    assert bundle.whereabouts() == f"geovq {__version__} in {package.parent} (installed)"
