"""Holds arrays against their annotated shapes while tests run.

Once `watch` was called, every function of geovq that is imported afterwards checks, each time it returns, that its
arguments and its result are what its jaxtyping annotations say, one size per axis name in a call. It checks afterwards,
so that bad input is refused by the function itself, with its own sentence.
"""

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

from beartype.door import is_bearable
from jaxtyping import AbstractArray, jaxtyped


class WrongAnnotationError(Exception):
    """An array is not what the annotation of a function says, though the function took it or gave it."""


def watch(package: str) -> None:
    """Check functions of a package and its modules, from their import on."""
    sys.meta_path.insert(0, _Finder(package))


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads as another loader does, and wraps the functions of the module before anybody imports them from it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # resources and source files of the module

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for name, value in _own(vars(module), module.__name__):
            if isinstance(value, type):
                for attribute, method in list(vars(value).items()):
                    if (wrapped := _checked_attribute(method)) is not method:
                        setattr(value, attribute, wrapped)
            else:
                setattr(module, name, checked(value))


def _own(names: Mapping[str, Any], module: str) -> Iterator[tuple[str, Any]]:
    """Functions and classes that a module defines itself."""
    for name, value in list(names.items()):
        if isinstance(value, FunctionType | type) and value.__module__ == module:
            yield name, value


def _checked_attribute(attribute: Any) -> Any:
    if isinstance(attribute, FunctionType):
        return checked(attribute)
    if isinstance(attribute, staticmethod | classmethod):
        inner = checked(attribute.__func__)
        return attribute if inner is attribute.__func__ else type(attribute)(inner)
    if isinstance(attribute, property) and attribute.fget is not None:
        getter = checked(attribute.fget)
        return attribute if getter is attribute.fget else attribute.getter(getter)
    return attribute


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its arrays checked; itself if no annotation of its says anything of arrays."""
    annotations = getattr(function, "__annotations__", {})
    hints = {name: hint for name, hint in annotations.items() if _is_of_arrays(hint)}
    if not hints or inspect.isgeneratorfunction(function):
        return function
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        values = {**signature.bind(*arguments, **options).arguments, "return": result}
        with jaxtyped("context"):
            for name, hint in hints.items():
                if name in values and not is_bearable(values[name], hint):
                    where = f"{function.__module__}.{function.__qualname__}"
                    raise WrongAnnotationError(f"{where}: {name} must be {hint}; got {_described(values[name])}")
        return result

    return call


def _is_of_arrays(hint: Any) -> bool:
    is_array = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return is_array or any(_is_of_arrays(part) for part in typing.get_args(hint))


def _described(value: Any) -> str:
    if hasattr(value, "shape"):
        return f"{value.dtype} {tuple(value.shape)}"
    return (
        f"{type(value).__name__} of {[_described(part) for part in value]}"
        if isinstance(value, tuple | list)
        else repr(value)
    )
