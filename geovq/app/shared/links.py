"""Links into the app: what a link asks for reaches the session, and what is chosen reaches the link.

Most widgets are bound to a parameter of the link by Streamlit (`bind="query-params"`), which drops without a word what
the widget cannot show. Everything else that reads or writes the query string is here.
"""

from collections.abc import Sequence

import streamlit as st

from geovq.app.shared.markdown import as_text

_WRITTEN = "link_written_{}"  # session key: the value that `write` gave a parameter last


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
        value = int(linked) if linked.isdecimal() else None
        if value is None or not first <= value <= last:
            warn(f"The link asks for {as_text(linked)} as {what}; this run has {first} to {last}. You see another one.")
    if value is None or not first <= value <= last:  # chosen in another run, perhaps
        value = usual
    st.session_state[key] = value


def warn_of_unknown(key: str, options: Sequence[str], what: str) -> None:
    """Say so if the link asks for an option that there is not; its widget, which comes next, drops it in silence."""
    linked = unread(key)
    if linked is not None and linked not in options:
        warn(
            f"The link asks for {as_text(linked)} as {what}, which is not among {as_text(', '.join(options))}. You see "
            "another one."
        )
