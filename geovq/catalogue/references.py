"""Names of functions and classes in tables, so that reading a table imports none of them."""

import importlib
from typing import Any


def named_object(reference: str) -> Any:
    """Import what a reference of the form "package.module:name" names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
