"""The app in a classroom: chosen runs, a sign on every page, and nothing that starts, stops or deletes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from geovq.app.shared.fetching import open_cached
from geovq.app.train.review import _start
from geovq.app.train.run_list import _delete, _resume
from geovq.config import load_config
from geovq.errors import ArtifactError
from geovq.runs import list_runs
from tests.pages.conftest import at_work, open_page, text_of
from tests.pages.test_pages import PAGES

OPEN, CLOSED = "mnist-sample/tiny", "mnist-sample/hidden"


@pytest.fixture
def classroom(add_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two own runs, of which one is listed."""
    listed = add_run()
    shutil.copytree(listed, listed.with_name("hidden"))
    config = (listed / "config.yaml").read_text()
    (listed.with_name("hidden") / "config.yaml").write_text(config.replace("name: tiny", "name: hidden"))
    monkeypatch.setenv("GEOVQ_MODE", "classroom")
    monkeypatch.setenv("GEOVQ_RUNS", OPEN)
    return listed


@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_the_sign_and_works(page: str, classroom: Path) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert "**Classroom.** You see the runs that were chosen for it." in text_of(app)
    assert app.session_state["run"] == OPEN
    assert list(app.selectbox(key="run").options) == [OPEN]
    assert "hidden" not in text_of(app)


def test_elsewhere_there_is_no_sign(one_run: Path) -> None:
    assert "Classroom" not in text_of(open_page("home"))


def test_links_do_not_lead_to_a_run_that_is_not_listed(classroom: Path) -> None:
    assert "This run does not exist" in text_of(open_page("tokens", run=CLOSED))
    app = open_page("compare", compare_run=CLOSED)
    assert "There is no such run of these images" in app.warning[0].value
    with pytest.raises(ArtifactError, match="hidden is not among the runs of this classroom"):
        open_cached(str(classroom.with_name("hidden")))


def test_train_offers_nothing_that_changes_anything(classroom: Path) -> None:
    at_work(classroom.with_name("hidden"))
    app = open_page("train")
    labels = {button.label for button in app.button}
    assert {"Open", "Curves"} <= labels
    assert not labels & {"Start", "Delete", "Resume", "Make the rest", "Duplicate", "New tokenizers", "Cancel"}
    assert "A new run" not in text_of(app)
    assert "At work" not in text_of(app)
    app.button(key=f"curves_{OPEN}").click().run()
    assert not app.exception
    assert "Curves of an earlier run" in text_of(app)


def test_the_actions_behind_the_buttons_are_refused(classroom: Path) -> None:
    before = sorted(classroom.parent.rglob("*"))
    config = load_config(classroom / "config.yaml").model_copy(update={"name": "another"})
    _start(config, "run", None)
    _resume(classroom)
    _delete(list_runs()[0])
    assert sorted(classroom.parent.rglob("*")) == before
