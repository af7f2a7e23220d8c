"""The mode is read so that a mistake closes rather than opens."""

from pathlib import Path

import pytest

from geovq.classroom import is_classroom, is_shown, listed_runs, refuse_in_classroom
from geovq.errors import ConfigError, JobError


def test_without_the_variable_everything_is_allowed_and_shown(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("GEOVQ_MODE", raising=False)
    assert not is_classroom()
    refuse_in_classroom("anything")
    assert is_shown(tmp_path / "mnist" / "mine", tmp_path, tmp_path / "shipped")


@pytest.mark.parametrize("mode", ["Classroom", "class", "classroom ", "1", "off"])
def test_a_mode_that_is_not_known_is_an_error_and_not_an_open_door(mode, monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_MODE", mode)
    with pytest.raises(ConfigError, match="GEOVQ_MODE must be 'classroom', or not be set"):
        refuse_in_classroom("anything")


def test_an_action_is_refused_by_its_name(monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_MODE", "classroom")
    with pytest.raises(JobError, match="classroom mode, where deleting a run is not allowed"):
        refuse_in_classroom("deleting a run")


@pytest.mark.parametrize(
    "text", ["mnist/a,fashion_mnist/b", "mnist/a  fashion_mnist/b\n", " mnist/a , fashion_mnist/b,"]
)
def test_runs_are_listed_with_commas_or_spaces(text, monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_RUNS", text)
    assert listed_runs() == {"mnist/a", "fashion_mnist/b"}


@pytest.mark.parametrize("text", ["mine", "outputs/mnist/a", "mnist/a;mnist/b/c"])
def test_what_is_no_id_of_a_run_is_an_error(text, monkeypatch) -> None:
    monkeypatch.setenv("GEOVQ_RUNS", text)
    with pytest.raises(ConfigError, match="GEOVQ_RUNS must list runs as dataset/name"):
        listed_runs()


def test_shipped_and_listed_runs_are_shown_and_no_others(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GEOVQ_MODE", "classroom")
    monkeypatch.setenv("GEOVQ_RUNS", "mnist/a mnist/../secret")
    root, shipped = tmp_path / "outputs", tmp_path / "shipped"

    def shown(*parts: str) -> bool:
        path = Path(tmp_path, *parts)
        path.mkdir(parents=True, exist_ok=True)
        return is_shown(path, root, shipped)

    with pytest.raises(ConfigError):
        shown("shipped", "demo", "..", "..", "outputs", "mnist", "a")
    monkeypatch.setenv("GEOVQ_RUNS", "mnist/a")
    assert shown("shipped", "demo")
    assert shown("outputs", "mnist", "a")
    assert not shown("outputs", "mnist", "b")
    assert not shown("outputs", "fashion_mnist", "a")
    assert not shown("elsewhere", "mnist", "a")
    assert not shown("shipped", "demo", "tokens")
    (root / "mnist" / "c").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("GEOVQ_RUNS", "mnist/c")
    assert not is_shown(root / "mnist" / "c", root, shipped)
