"""Numbers of a lesson about joint search: of the image, the tokenizer and the price that its link opens on Tokens."""

from collections.abc import Mapping

from geovq.app.shared.joint import together
from geovq.app.shared.pickers import tokenizers_of
from geovq.errors import ConfigError
from geovq.runs import Run
from geovq.viz import tokenizer_style

JOINT_SOURCES = frozenset({"together", "pair"})  # first parts of the names of these numbers


def joint_numbers(run: Run, query: Mapping[str, str], file: str) -> dict[str, float]:
    """What choosing the tokens together changes, and the two changes that need each other most, by dotted names.

    There are no `pair.` numbers where no two changes need each other.

    Parameters
    ----------
    run : Run
    query : mapping of str to str
        Of the lesson's link: `tokens_image`, `tokens_joint_of` and `tokens_price`.
    file : str
        Of the lesson, for messages.

    Raises
    ------
    ConfigError
        If the link does not name a tokenizer of the run, an image and a price.
    """
    by_label = {tokenizer_style(name).label: name for name in tokenizers_of(run)}
    name = by_label.get(query.get("tokens_joint_of", ""))
    image, price = query.get("tokens_image", ""), query.get("tokens_price", "")
    if name is None or not image.isdecimal() or not price.replace(".", "", 1).isdecimal():
        raise ConfigError(
            f"{file}: its query must name tokens_joint_of (one of {', '.join(by_label)}), tokens_image and "
            "tokens_price, since its text states numbers of that view."
        )
    found = together(run, name, "own", int(image), float(price), "codes")
    numbers: dict[str, float] = {
        "together.mse_before": found.own.mse,
        "together.mse_after": found.joint.mse,
        "together.bits_before": found.own.bits,
        "together.bits_after": found.joint.bits,
        "together.n_cells": found.changed.size,
        "together.n_changed": int(found.changed.sum()),
        "together.n_worse_alone": found.n_worse_alone,
    }
    if found.pair is not None:
        pair = found.pair
        numbers |= {f"pair.{key}": getattr(pair, key) for key in ("before", "first_alone", "second_alone", "both")}
        for which, (row, column) in (("first", pair.first), ("second", pair.second)):
            numbers |= {f"pair.{which}_row": row, f"pair.{which}_column": column}
    return numbers
