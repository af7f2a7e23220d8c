"""The array type of all figures; annotations say shapes and kinds by jaxtyping."""

from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
