"""Fields of a tokenizer with an active subspace as the flat tensors of a file, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from torch import Tensor

from geovq.geometry import ActiveSubspace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PREFIX = "subspace."
SUBSPACE_AXES = {f"{_PREFIX}mean": "D", f"{_PREFIX}basis": "D A", f"{_PREFIX}variances": "D"}  # for `require_axes`


def stored_tensors(tokenizer: "DataclassInstance") -> dict[str, Tensor]:
    """Every field that is a tensor, by its name, and those of its field `subspace` with "subspace." before the name."""
    values = {field.name: getattr(tokenizer, field.name) for field in fields(tokenizer)}
    subspace: ActiveSubspace = values["subspace"]
    flat = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    return flat | {f"{_PREFIX}{field.name}": getattr(subspace, field.name) for field in fields(subspace)}


def restored_fields(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What `stored_tensors` gave, as arguments of the tokenizer's class."""
    subspace = {name.removeprefix(_PREFIX): value for name, value in tensors.items() if name.startswith(_PREFIX)}
    others = {name: value for name, value in tensors.items() if not name.startswith(_PREFIX)}
    return {**others, "subspace": ActiveSubspace(**subspace)}
