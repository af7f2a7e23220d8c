"""Widgets made from the schema of an experiment, `geovq.config`, which says their ranges, help and defaults."""

from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from geovq.config import choices

_BROWSER_MAX = 2**53 - 1  # the largest whole number that a browser represents exactly


class Bounds(NamedTuple):
    """Smallest and largest value of a number; None is no limit. The schema refuses an exclusive limit itself."""

    lowest: float | None
    highest: float | None


def setting_field(schema: type[BaseModel], path: str) -> FieldInfo:
    """Field of a dotted setting, such as "vae.beta"."""
    *sections, name = path.split(".")
    for section in sections:
        schema = _model(schema.model_fields[section].annotation)
    return schema.model_fields[name]


def leaf_settings(schema: type[BaseModel]) -> list[str]:
    """Dotted names of all settings, in the order of the schema."""
    leaves = []
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            leaves += [f"{name}.{leaf}" for leaf in leaf_settings(field.annotation)]
        else:
            leaves.append(name)
    return leaves


def bounds(field: FieldInfo) -> Bounds:
    """Limits of a number field, from its constraints."""
    found: dict[str, float] = {}
    for constraint in field.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if (limit := getattr(constraint, name, None)) is not None:
                found[name] = limit
    return Bounds(found.get("ge", found.get("gt")), found.get("le", found.get("lt")))


def setting_input(
    schema: type[BaseModel],
    path: str,
    value: Any,
    *,
    label: str,
    key: str,
    unit_help: str = "",
    options: tuple[str, ...] | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> Any:
    """The widget that fits a setting; returns what the person chose.

    Parameters
    ----------
    schema : pydantic model class
    path : str
        Dotted name of the setting.
    value
        What the widget starts with.
    label, key : str
        As for every Streamlit widget.
    unit_help : str
        Added to the schema's own description.
    options : tuple of str, optional
        Narrows the choices of a list setting.
    width : int or "stretch"
        In pixels.
    """
    field = setting_field(schema, path)
    help_text = " ".join(filter(None, [field.description, unit_help, f"`{path}`"]))
    kind, optional = _kind(field.annotation)
    shared: dict[str, Any] = {"key": key, "help": help_text, "persist_state": "session", "width": width}
    names = choices(field)
    if get_origin(kind) is tuple:
        allowed = options if options is not None else names or ()
        return st.multiselect(label, allowed, default=[item for item in value if item in allowed], **shared)
    if names is not None:
        return st.selectbox(label, names, index=names.index(value), **shared)
    if kind in (int, float):
        return _number(label, field, kind, value, optional, shared)
    return st.text_input(label, value=str(value), **shared)


def _number(label: str, field: FieldInfo, kind: type, value: Any, optional: bool, shared: dict[str, Any]) -> Any:
    lowest, highest = (None if limit is None else kind(limit) for limit in bounds(field))
    if highest is not None and highest > _BROWSER_MAX:
        highest = None
    return st.number_input(
        label,
        min_value=lowest,
        max_value=highest,
        value=None if value is None else kind(value),
        step=1 if kind is int else None,
        format=None if kind is int else "%g",
        placeholder="all" if optional else None,
        **shared,
    )


def _kind(annotation: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was allowed."""
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0], True
    return annotation, False


def _model(annotation: Any) -> type[BaseModel]:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise KeyError(f"{annotation} is not a section of settings")
    return annotation
