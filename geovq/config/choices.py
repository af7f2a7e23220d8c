"""Settings whose values are the names of a table of `geovq.catalogue`."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import core_schema


class OneOf:
    """Annotation of a text that must be one of some names; errors and JSON schema are those of a `Literal`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Accept the names, as pydantic asks."""
        return core_schema.literal_schema(list(self.names))


def choices(field: FieldInfo) -> tuple[str, ...] | None:
    """Allowed values of a setting, or of every item of a list setting, in order; None where any value may stand."""
    return _choices(field.annotation, field.metadata)


def _choices(annotation: Any, metadata: Iterable[Any] = ()) -> tuple[str, ...] | None:
    for item in metadata:
        if isinstance(item, OneOf):
            return item.names
    kind, arguments = get_origin(annotation), get_args(annotation)
    if kind is Literal:
        return arguments
    if kind is Annotated:
        return _choices(arguments[0], arguments[1:])
    if kind is tuple or kind in (Union, UnionType):
        return _choices(arguments[0])
    return None
