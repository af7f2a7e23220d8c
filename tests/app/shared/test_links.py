"""What a link asks for, and what is written into it. Each function runs as a page of its own."""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from geovq.app.shared.lesson_files import PAGE_NAMES
from geovq.app.shared.links import brief, is_unusable, page_file, whole_number
from geovq.bundle import bundled

UNUSABLE = ["inf", "-inf", "NaN", "infinity", "1e999", "-1e400", "9" * 5_000, "9" * 400, " inf ", ""]


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


@pytest.mark.parametrize("value", UNUSABLE)
def test_what_no_widget_can_show_is_known(value: str) -> None:
    assert is_unusable("prior_seed", value)


def test_a_list_may_be_empty() -> None:
    assert not is_unusable("tokens_tokenizers", "")


@given(st.text(min_size=1) | st.integers().map(str) | st.floats().map(str) | st.from_regex(r"\A[-+]?\d{1,5000}\Z"))
def test_what_is_followed_can_be_made_a_number_or_is_none(value: str) -> None:
    """As Streamlit does with the value of a number widget, and as the pages do by themselves."""
    if not is_unusable("prior_seed", value):
        with contextlib.suppress(ValueError):  # which Streamlit expects
            int(float(value))
    found = whole_number(value)
    assert found is None or (0 <= found < 10**15 and value.isdecimal())
    assert len(brief(value)) <= 2 * 61  # each character with a backslash before it


@pytest.mark.parametrize("asked", ["9" * 5_000, "x" * 5_000])
def test_a_long_value_is_said_in_one_line(asked: str) -> None:
    app = page(number, place=asked)
    assert app.number_input(key="place").value == 5
    assert len(app.warning[0].value) < 200
