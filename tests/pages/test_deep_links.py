"""Links with values that are none, in every bound widget of every page: the page is shown, and nothing is believed."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import PROJECT, text_of
from tests.pages.test_pages import PAGES

MANY_DIGITS = "9" * 5_000
INFINITE = ["inf", "-Infinity", "nan", "1e999", MANY_DIGITS]
WILD = [MANY_DIGITS, "", "-1", "1e308", "0.5", "٣", "x" * 5_000, "<b>**a**](b)", "\x00,\n"]
# Parts of a page that another choice shows.
VIEWS: dict[str, list[dict[str, str]]] = {
    "prior": [{"prior_view": view} for view in ("Samples", "Cell by cell", "Surprise", "Half an image")],
    "lattice": [{"lattice_try": "replace it by a code"}, {"lattice_source": "drawing"}, {"lattice_source": "file"}],
    "codebook": [{"codebook_mean": "false"}],
}
# Parameters that a page reads by itself, and that are not in its link from the start.
READ = {"lattice": {"lattice_pixels"}, "tokens": {"tokens_edits"}, "neighbourhoods": {"start_from"}}


def deep_link(page: str, query: dict[str, str]) -> AppTest:
    """A page of the app as the first thing that a session asks for."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params.update(query)
    return app.switch_page(f"pages/{page}.py").run()


def read_from_link(page: str, view: dict[str, str]) -> set[str]:
    """Parameters that are bound to a widget of a page, and those that the page has written."""
    app = deep_link(page, view)
    protos: Iterable[object] = [getattr(element, "proto", None) for element in app.main]
    keys = {str(getattr(proto, "query_param_key", "")) for proto in protos} - {""}
    return (keys | set(app.query_params) | READ.get(page, set())) - set(view) - {"run"}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_whatever_a_link_gives_the_page_is_shown(page: str, one_run: Path) -> None:
    n_asked = 0
    for view in ({}, *VIEWS.get(page, [])):
        names = read_from_link(page, view)
        for value in WILD:
            app = deep_link(page, {**dict.fromkeys(names, value), **view})
            assert not app.exception, (view, value[:20], app.exception)
            assert not app.error, (view, value[:20])
            assert MANY_DIGITS[:100] not in text_of(app) + "".join(box.value for box in app.warning)
            n_asked += len(names)
    assert n_asked or page == "home"


@pytest.mark.parametrize("value", INFINITE)
def test_an_infinite_number_is_left_out_and_said_and_the_rest_of_the_link_followed(value: str, one_run: Path) -> None:
    app = deep_link("prior", {"prior_seed": value, "prior_temperature": "0.5"})
    assert not app.exception
    assert app.number_input(key="prior_seed").value == 0
    assert app.slider(key="prior_temperature").value == 0.5
    (box,) = app.warning
    assert "prior\\_seed, which cannot be shown" in box.value
    assert len(box.value) < 200
    assert "prior_seed" not in app.query_params


def test_a_link_to_a_run_that_no_line_can_hold_names_its_beginning(one_run: Path) -> None:
    app = deep_link("tokens", {"run": "x" * 5_000})
    assert "This run does not exist" in text_of(app)
    assert len(max(text_of(app).splitlines(), key=len)) < 1_000
