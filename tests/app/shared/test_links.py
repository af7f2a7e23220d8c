"""What a link asks for, and what is written into it. Each function runs as a page of its own."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from geovq.app.shared.lesson_files import PAGE_NAMES
from geovq.app.shared.links import page_file
from geovq.bundle import bundled


def number() -> None:
    import streamlit as st

    from geovq.app.shared.links import start_with

    start_with("place", 5, 9, "the place", first=1)
    st.number_input("Place", 1, 9, key="place")


def chooser() -> None:
    import streamlit as st

    from geovq.app.shared.links import followed, write

    if (linked := followed("fruit")) is not None:
        st.session_state["fruit"] = linked
    write("fruit", st.selectbox("Fruit", ["apple", "pear", "plum"], key="fruit"))


def page(function: Callable[[], None], **query: str) -> AppTest:
    app = AppTest.from_function(function)
    app.query_params.update(query)
    return app.run()


@pytest.mark.parametrize(("query", "value"), [({}, 5), ({"place": "1"}, 1), ({"place": "9"}, 9)])
def test_a_number_starts_as_the_link_says_or_as_usual(query: dict[str, str], value: int) -> None:
    app = page(number, **query)
    assert app.number_input(key="place").value == value
    assert not app.warning


@pytest.mark.parametrize("asked", ["0", "10", "-3", "two", ""])
def test_a_number_out_of_range_is_said_and_the_usual_one_shown(asked: str) -> None:
    app = page(number, place=asked)
    assert app.number_input(key="place").value == 5
    assert f"asks for {asked} as the place; this run has 1 to 9" in app.warning[0].value


def test_what_was_chosen_goes_before_the_link() -> None:
    app = page(number, place="2").number_input(key="place").set_value(7).run()
    assert app.number_input(key="place").value == 7


def test_a_choice_is_written_and_a_changed_link_is_followed() -> None:
    app = page(chooser, fruit="pear")
    assert app.selectbox(key="fruit").value == "pear"
    app = app.selectbox(key="fruit").set_value("plum").run()
    assert app.query_params["fruit"] in ("plum", ["plum"])
    app.query_params["fruit"] = "apple"  # edited by hand, or gone back to
    assert app.run().selectbox(key="fruit").value == "apple"


def test_a_link_without_the_parameter_changes_nothing() -> None:
    app = page(chooser, fruit="pear")
    del app.query_params["fruit"]
    app = app.run()
    assert app.selectbox(key="fruit").value == "pear"
    assert app.query_params["fruit"] in ("pear", ["pear"])


def test_every_page_has_its_file() -> None:
    for name in PAGE_NAMES:
        assert bundled(page_file(name)).is_file()


def test_only_the_home_of_links_reads_and_writes_the_query_string() -> None:
    app = bundled("geovq", "app")
    users: list[Any] = [file for file in app.rglob("*.py") if re.search(r"st\.query_params", file.read_text("utf-8"))]
    assert users == [app / "shared" / "links.py"]
