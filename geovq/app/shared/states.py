"""States of a page that are not its content, empty or failed: each says what is so and offers one way forward."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from geovq.app.shared.links import page_file
from geovq.app.shared.markdown import as_text
from geovq.errors import (
    ArtifactError,
    Cancelled,
    ConfigError,
    DataError,
    DeviceError,
    DivergedError,
    GeovqError,
    JobError,
)

P = ParamSpec("P")
R = TypeVar("R")

_TITLES: dict[type[GeovqError], str] = {
    ConfigError: "These settings need a change",
    DataError: "The images cannot be read",
    ArtifactError: "A file of this run cannot be used",
    DeviceError: "The device cannot be used",
    DivergedError: "The training diverged",
    JobError: "The job cannot do that",
    Cancelled: "Cancelled",
}


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Show an expected error as a box with its sentence and remedy; anything else stays a bug and is raised."""
    try:
        yield
    except GeovqError as error:
        error_box(error)


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """`friendly_errors` for fragments, which Streamlit runs again without the frame around them."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except GeovqError as error:
            error_box(error)
            return None

    return wrapper


def error_box(error: GeovqError) -> None:
    """What happened, why, and what to do, in the error's own sentence."""
    title = next((text for kind, text in _TITLES.items() if isinstance(error, kind)), "That did not work")
    st.error(as_text(str(error)), title=title, icon=":material/error:")


def empty_state(title: str, text: str, *, link: str | None = None, label: str = "", icon: str = "inbox") -> None:
    """Nothing to show yet: why, and the link to the page that changes it."""
    with st.container(border=True, key=f"empty_{icon}"):
        st.markdown(f"#### :material/{icon}: {title}")
        st.markdown(text)
        if link:
            st.page_link(page_file(link), label=label, icon=":material/arrow_forward:")
