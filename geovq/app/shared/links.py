"""Links into the app: what a link asks for reaches the session, and what is chosen reaches the link.

Most widgets are bound to a parameter of the link by Streamlit (`bind="query-params"`), which drops without a word what
the widget cannot show. Everything else that reads or writes the query string is here.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.navigation.page import Page

from geovq.app.shared.markdown import as_text

if TYPE_CHECKING:
    from geovq.runs import RunSummary  # takes seconds, and the menu, which needs links, is drawn before

LIST_SUFFIX = "_tokenizers"  # of the parameters that are lists: these may be empty
_SHIPPED = "shipped/"
_WRITTEN = "link_written_{}"  # session key: the value that `write` gave a parameter last
_PASSED_OVER = "link_passed_over"  # session key: what `pass_over_unusable` took out of the link, to be said
_LONGEST_NUMBER = 15  # digits; every number that a page asks for has fewer
_LONGEST_SHOWN = 60  # characters of a value in a sentence


def link_id(summary: "RunSummary") -> str:
    """Name of a run in links and in the selector: own runs by "dataset/name", shipped ones after "shipped/"."""
    return f"{_SHIPPED if summary.shipped else ''}{summary.id}"


def page_file(name: str) -> str:
    """Path of a page, as links want it."""
    return f"pages/{name}.py"


def parameter(name: str) -> str | None:
    """The value of a parameter in the link; None if it is not there."""
    return st.query_params.get(name)


def unread(key: str) -> str | None:
    """What the link asks of a widget that the session has no value for yet; None if nothing."""
    return None if key in st.session_state else parameter(key)


def followed(name: str) -> str | None:
    """The value of a parameter that a visitor has changed since `write`: a link was opened, edited or gone back to."""
    value = parameter(name)
    return None if value == st.session_state.get(_WRITTEN.format(name)) else value


def write(name: str, value: str | None) -> None:
    """Put a parameter into the link; None takes it out."""
    st.session_state[_WRITTEN.format(name)] = value
    if value == parameter(name):
        return
    if value is None:
        del st.query_params[name]
    else:
        st.query_params[name] = value


def warn(sentence: str) -> None:
    """Say that the link asks for something that cannot be shown."""
    st.warning(sentence, icon=":material/link_off:")


def brief(value: str) -> str:
    """What a link says, as Markdown for a sentence: as it stands, and not longer than a line."""
    return as_text(value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…")


def whole_number(text: str) -> int | None:
    """The number that a link gives in digits; None if it gives anything else, or more digits than any page asks for."""
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def is_unusable(name: str, value: str) -> bool:
    """Whether no widget can show a value: what is read as nan or infinity, thousands of digits, nothing at all."""
    try:
        return not math.isfinite(float(value))
    except ValueError:
        return not value and not name.endswith(LIST_SUFFIX)


def pass_over_unusable(page: Page) -> None:
    """Open the page again without parameters that are unusable, and say so.

    Streamlit's number widgets make whole numbers of what the link gives before they compare it with their limits, and
    infinity cannot be made one; an empty value empties even a choice that is required (Streamlit 1.67). Whether a
    parameter is bound to a widget already does not matter here.
    """
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    unusable = [name for name, values in given.items() if any(is_unusable(name, value) for value in values)]
    if unusable:
        st.session_state[_PASSED_OVER] = {name: given.pop(name)[-1] for name in unusable}
        st.switch_page(page, query_params=given)
    for name, value in st.session_state.pop(_PASSED_OVER, {}).items():
        what = brief(value) if value else "nothing"
        warn(f"The link gives {what} as {as_text(name)}, which cannot be shown. It is left out.")


def start_with(key: str, usual: int | None, last: int, what: str, *, first: int = 0) -> None:
    """Give a number widget its value before it is drawn: the session's, else the link's, else the usual one.

    Parameters
    ----------
    key : str
        Key of the widget, and name of the parameter.
    usual : int or None
        Used where neither session nor link has a value from `first` to `last`; None leaves the widget empty.
    last : int
        The largest value, inclusive.
    what : str
        Names the value in the warning about a link out of range, as in "the row".
    first : int, default=0
        The smallest value.
    """
    value = st.session_state.get(key)
    linked = unread(key)
    if linked is not None:
        value = whole_number(linked)
        if value is None or not first <= value <= last:
            warn(f"The link asks for {brief(linked)} as {what}; this run has {first} to {last}. You see another one.")
    if value is None or not first <= value <= last:  # chosen in another run, perhaps
        value = usual
    st.session_state[key] = value


def warn_of_unknown(key: str, options: Sequence[str], what: str) -> None:
    """Say so if the link asks for an option that there is not; its widget, which comes next, drops it in silence."""
    linked = unread(key)
    if linked is not None and linked not in options:
        warn(
            f"The link asks for {brief(linked)} as {what}, which is not among {as_text(', '.join(options))}. You see "
            "another one."
        )
