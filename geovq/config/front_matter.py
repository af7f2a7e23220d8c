"""The head of a Markdown file: YAML between two lines of `---`, above the text."""

from pathlib import Path
from typing import Any

from geovq.config.strict_yaml import parse_yaml
from geovq.errors import ConfigError

_FENCE = "---"


def read_front_matter(path: Path) -> tuple[dict[str, Any], str]:
    """Values of the head, and the text below it.

    Raises
    ------
    ConfigError
        If the file cannot be read, or does not begin with `key: value` lines between two fences; the message names file
        and remedy.
    """
    head, body = _split(path)
    values = parse_yaml(head, path.name, first_line=2)  # below the fence
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name} must hold `key: value` lines between its two `{_FENCE}`.")
    return values, body


def _split(path: Path) -> tuple[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first line
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read ({error}); give a readable UTF-8 Markdown file.") from error
    lines = [line.rstrip() for line in text.splitlines()]
    if lines[:1] != [_FENCE] or _FENCE not in lines[1:]:
        raise ConfigError(f"{path.name} must begin with a line `{_FENCE}`, `key: value` lines, and another `{_FENCE}`.")
    end = lines.index(_FENCE, 1)
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :])
