"""What pyproject.toml says of the packages that geovq needs, held against the code and against the exact versions."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from geovq import __version__
from tests.packaging.conftest import PROJECT

pytestmark = pytest.mark.smoke

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = [Requirement(line) for line in SETTINGS["dependencies"]]
EXTRAS = {name: [Requirement(line) for line in lines] for name, lines in SETTINGS["optional-dependencies"].items()}
# What the names of imports do not tell: a part that comes with its package, and a package that newer Pythons lack.
OWNERS = {"pydantic-core": "pydantic", "sklearn-extra": "scikit-learn-extra"}


def names(requirements):
    return {canonicalize_name(requirement.name) for requirement in requirements}


def imported(*folders):
    """Distributions of the packages that the modules of some folders import."""
    found = set()
    for folder in folders:
        for file in sorted((PROJECT / folder).rglob("*.py")) if (PROJECT / folder).is_dir() else [PROJECT / folder]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.partition(".")[0])
    owners = packages_distributions()
    foreign = found - sys.stdlib_module_names - {"geovq", "tests", "_typeshed"}
    found = {canonicalize_name(owner) for name in foreign for owner in owners.get(name, [name])}
    return {OWNERS.get(name, name) for name in found}


def pinned(file, python="3.11"):
    """Exact requirements of a file, for a version of Python."""
    environment = {**default_environment(), "python_version": python}
    found = {}
    for line in (PROJECT / file).read_text(encoding="utf-8").splitlines():
        if (text := line.partition("#")[0].strip()) and not text.startswith("-r"):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                found[canonicalize_name(requirement.name)] = requirement
    return found


WITH_THE_APP = ("geovq/app", "geovq/reports", "geovq/viz", "pages", "app.py")


def test_the_library_imports_only_what_it_declares():
    library = {f"geovq/{path.name}" for path in (PROJECT / "geovq").iterdir()} - {*WITH_THE_APP}
    if_present = {"pyarrow"}  # a study's table is written as CSV, and as Parquet too where the app's packages are
    assert imported(*library) <= names(NEEDED) | if_present


def test_the_app_and_its_figures_import_only_what_their_extra_declares():
    assert imported(*WITH_THE_APP) <= names([*NEEDED, *EXTRAS["app"]])


def test_nothing_is_declared_that_nobody_imports():
    used = imported("geovq", "pages", "app.py")
    assert names([*NEEDED, *EXTRAS["app"]]) <= used


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_exact_versions_are_within_the_ranges(python):
    exact = pinned("requirements.txt", python)
    environment = {**default_environment(), "python_version": python}
    ranges = [one for one in [*NEEDED, *EXTRAS["app"]] if one.marker is None or one.marker.evaluate(environment)]
    assert exact.keys() == names(ranges)
    for one in ranges:
        (version,) = (specifier.version for specifier in exact[canonicalize_name(one.name)].specifier)
        assert one.specifier.contains(version), f"{one} does not allow {version}"


def test_the_tests_need_what_the_extra_test_declares():
    assert names(EXTRAS["test"]) - {"geovq"} <= pinned("tests/requirements.txt").keys()


def test_one_version_everywhere():
    assert SETTINGS["dynamic"] == ["version"]
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(__version__)})\]", changes, re.MULTILINE)


def test_the_declared_pythons_are_those_that_are_tested():
    declared = re.findall(r"Python :: (3\.\d+)", " ".join(SETTINGS["classifiers"]))
    assert declared == ["3.11", "3.12", "3.13"]
    assert SETTINGS["requires-python"] == ">=3.11,<3.14"
