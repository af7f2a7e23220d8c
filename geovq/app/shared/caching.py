"""How functions are kept from one run of the script to the next.

A run is identified by its folder and fingerprint, so a run that goes on or is made again is never answered from memory.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import streamlit as st

from geovq.runs import Run

F = TypeVar("F", bound=Callable[..., Any])
Keys = Mapping[type, Callable[[Any], Any]]  # what makes two arguments of a type the same


def run_key(run: Run) -> tuple[str, str]:
    """What makes two runs the same for a cache."""
    return str(run.path), run.fingerprint


def copies(max_entries: int, spinner: str | bool, keys: Keys | None = None) -> Callable[[F], F]:
    """Decorator that keeps results and gives every caller a copy of its own: for arrays."""
    return _decorator(st.cache_data, max_entries, spinner, keys)


def shared(max_entries: int, spinner: str | bool, keys: Keys | None = None) -> Callable[[F], F]:
    """Decorator that keeps results and gives every caller the same object, not to be changed: for large things."""
    return _decorator(st.cache_resource, max_entries, spinner, keys)


def _decorator(cache: Any, max_entries: int, spinner: str | bool, keys: Keys | None) -> Callable[[F], F]:
    options = {"max_entries": max_entries, "show_spinner": spinner, "hash_funcs": {Run: run_key, **(keys or {})}}

    def decorate(function: F) -> F:
        return cast(F, cache(function, **options))

    return decorate
