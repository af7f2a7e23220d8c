"""Numbers that a lesson states, taken from the run it speaks of: `{riemannian.distortion:.5f}`.

Only names of measured numbers are looked up, so a lesson's text can reach nothing else.
"""

import re
from collections.abc import Mapping
from typing import Any

from geovq.errors import ConfigError

# name.key, name.key.index of a list; then, after a colon, how it is written. Other braces, as in formulas, are text.
_PLACE = re.compile(r"\{([a-z][a-z-]*(?:\.[a-z0-9_]+)+)(?::([^{}]*))?\}")
_FORM = re.compile(r"(?:,?\.\d[f%])?")  # no widths: a text could ask for millions of blanks


def has_numbers(text: str) -> bool:
    """Whether a text asks for any number."""
    return _PLACE.search(text) is not None


def sources(text: str) -> set[str]:
    """First parts of the names of the numbers that a text asks for."""
    return {place[1].split(".")[0] for place in _PLACE.finditer(text)}


def measured_numbers(measurements: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Every number of a run's measurements by its dotted name; entries of lists by their index."""
    numbers: dict[str, float] = {}
    for name, values in measurements.items():
        for key, value in values.items():
            entries = {f".{i}": entry for i, entry in enumerate(value)} if isinstance(value, list) else {"": value}
            numbers |= {f"{name}.{key}{end}": entry for end, entry in entries.items() if isinstance(entry, int | float)}
    return numbers


def filled(text: str, numbers: Mapping[str, float], file: str) -> str:
    """A text with its numbers.

    Raises
    ------
    ConfigError
        If it names a number that was not measured, or a way of writing it that does not exist.
    """

    def number(place: re.Match[str]) -> str:
        name, form = place[1], place[2] or ""
        if name not in numbers:
            keys = sorted(key for key in numbers if key.startswith(f"{name.split('.')[0]}.")) or sorted(numbers)
            raise ConfigError(f"{file}: {{{name}}} is not measured in its run; known are {', '.join(keys)}.")
        if not _FORM.fullmatch(form):
            raise ConfigError(f"{file}: {{{name}:{form}}} is no way to write a number; use {{{name}:.2f}} or the like.")
        return format(numbers[name], form)

    return _PLACE.sub(number, text)
