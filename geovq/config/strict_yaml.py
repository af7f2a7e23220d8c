"""YAML as people read it: scalars of YAML 1.2; what could be read in two ways is refused.

PyYAML follows YAML 1.1, where `no` is false, `010` is eight and `50:00` is three thousand, and of two equal keys it
takes the second without a word. Here only `true`, `false` and `null` are words with a meaning, and numbers are decimal
unless they begin with `0x` or `0o`. Repeated keys, dates without quotes, tags and deep nesting are refused. An alias
may repeat a plain value, but not one that repeats others in turn, which a short text could make endlessly large.

Source: YAML 1.2.2 (2021), section 10.3, "Core Schema".
"""

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml

from geovq.errors import ConfigError

_DEEPEST = 20  # levels; an experiment has three
_LONGEST = 100_000  # characters of a file
_LONGEST_NUMBER = 100  # characters of a number
_MOST_ALIASES = 100

_PREFIX = "tag:yaml.org,2002:"
_SCALARS = (  # tag, pattern, first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")


def parse_yaml(text: str, where: str, *, first_line: int = 1) -> Any:
    """Value of a YAML text.

    Parameters
    ----------
    text : str
    where : str
        What the text is, for errors: a file, or an option of the command line.
    first_line : int, default=1
        Number of its first line in that file.

    Raises
    ------
    ConfigError
        If it is no YAML or has more than one meaning; the message names place, line and remedy.
    """
    if len(text) > _LONGEST:
        raise ConfigError(f"{where} has {len(text)} characters, where settings have at most {_LONGEST}; shorten it.")
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + first_line}" if error.problem_mark else ""
        remedy = "" if isinstance(error, _RefusedError) else "; quote texts that hold a colon, or correct that line"
        raise ConfigError(f"{where} is not valid YAML{line}: {error.problem}{remedy}.") from error
    except yaml.reader.ReaderError as error:
        line_number = text.count("\n", 0, error.position) + first_line
        raise ConfigError(
            f"{where} is not valid YAML at line {line_number}: it holds the character {error.character!r}; remove it."
        ) from error


def dump_yaml(values: Any) -> str:
    """YAML text of plain values, which `parse_yaml` reads as they were."""
    return yaml.dump(values, Dumper=_StrictDumper, sort_keys=False)


def one_line(value: Any) -> str:
    """A value in one line, as `section.key=value` takes it: a text without quotes where it is read as that text."""
    if isinstance(value, str):
        try:
            if parse_yaml(value, "text") == value:
                return value
        except ConfigError:
            pass
    return json.dumps(value)  # JSON is YAML


class _StrictLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own way)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._n_aliases = self._n_anchors_open = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self._n_aliases += 1
            if self._n_anchors_open or self._n_aliases > _MOST_ALIASES:
                raise _RefusedError(
                    f"*{event.anchor} repeats a value inside one that is repeated, or is one of more than "
                    f"{_MOST_ALIASES}; write the value out",
                    event.start_mark,
                )
            return super().compose_node(parent, index)
        if event.tag not in (None, "!"):
            raise _RefusedError(
                f"the tag {event.tag.replace(_PREFIX, '!!')} is not allowed; leave it out", event.start_mark
            )
        if self._depth >= _DEEPEST:
            raise _RefusedError(f"it is nested more than {_DEEPEST} deep; settings need three levels", event.start_mark)
        is_anchored = event.anchor is not None
        self._depth += 1
        self._n_anchors_open += is_anchored
        node: yaml.Node | None = super().compose_node(parent, index)
        self._n_anchors_open -= is_anchored
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        values: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _RefusedError("a key must be a name; write `name: value`", key.start_mark)
            if key.value in lines:
                raise _RefusedError(
                    f"{key.value} is there twice, at line {lines[key.value]} too; keep one of them", key.start_mark
                )
            lines[key.value] = key.start_mark.line + 1
            values[key.value] = self.construct_object(value, deep=deep)
        return values

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        text, kind = node.value, node.tag.removeprefix(_PREFIX)
        if len(text) > _LONGEST_NUMBER:
            raise _RefusedError(f"a number has {len(text)} digits; put it in quotes if it is a text", node.start_mark)
        if kind == "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def construct_text(self, node: yaml.ScalarNode) -> str:
        if node.style is None and _DATE.fullmatch(node.value):
            raise _RefusedError(f"{node.value} may be a date or a text; put it in quotes", node.start_mark)
        return str(node.value)


class _StrictDumper(yaml.SafeDumper):
    """Puts in quotes what YAML 1.1 or 1.2 would not read as a text."""


class _RefusedError(yaml.MarkedYAMLError):
    """YAML that has more than one meaning, or more than settings need; the problem says what to do."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)


for _tag, _pattern, _first in _SCALARS:
    for _user in (_StrictLoader, _StrictDumper):
        _user.add_implicit_resolver(f"{_PREFIX}{_tag}", re.compile(f"(?:{_pattern})$"), _first)
_StrictLoader.add_constructor(f"{_PREFIX}int", _StrictLoader.construct_number)
_StrictLoader.add_constructor(f"{_PREFIX}float", _StrictLoader.construct_number)
_StrictLoader.add_constructor(f"{_PREFIX}str", _StrictLoader.construct_text)
