"""Fields of a tokenizer with an active subspace as the flat tensors of a file, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from torch import Tensor

from geovq.geometry.metric.stored_subspace import PREFIX, restored_subspace, subspace_tensors

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def stored_tensors(tokenizer: "DataclassInstance") -> dict[str, Tensor]:
    """Every field that is a tensor, by its name, and those of its field `subspace` with "subspace." before the name."""
    values = {field.name: getattr(tokenizer, field.name) for field in fields(tokenizer)}
    flat = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    return flat | subspace_tensors(values["subspace"])


def restored_fields(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What `stored_tensors` gave, as arguments of the tokenizer's class."""
    others = {name: value for name, value in tensors.items() if not name.startswith(PREFIX)}
    return {**others, "subspace": restored_subspace(tensors)}
