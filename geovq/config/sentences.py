"""What pydantic finds wrong, as one sentence that names the place and the remedy."""

import difflib

from pydantic import BaseModel, ValidationError

_MOST_SHOWN = 80  # characters of a value


def sentence(error: ValidationError, schema: type[BaseModel]) -> str:
    """The first fault of values for a schema, and how many more there are."""
    first, *others = error.errors()
    place = ".".join(str(part) for part in first["loc"])
    match first["type"]:
        case "extra_forbidden":
            text = f"{place} is not a setting; {_suggestion(first['loc'], schema)}"
        case "value_error":
            text = str(first["ctx"]["error"])
        case "string_pattern_mismatch":
            text = f"{place} must match {first['ctx']['pattern']}; got {_shown(first['input'])}"
        case "model_type":
            text = f"{place} must hold `key: value` entries; got {_shown(first['input'])}"
        case _:
            text = f"{place} must be {first['msg'].removeprefix('Input should be ')}; got {_shown(first['input'])}"
    return text + (f" (and {len(others)} more)." if others else ".")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _suggestion(location: tuple[int | str, ...], schema: type[BaseModel]) -> str:
    for part in location[:-1]:
        annotation = schema.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return "remove it"
        schema = annotation
    close = difflib.get_close_matches(str(location[-1]), schema.model_fields, n=1)
    return f"did you mean {close[0]}" if close else f"allowed are {', '.join(schema.model_fields)}"
