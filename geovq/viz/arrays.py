"""The array type of all figures; shapes and kinds are said by jaxtyping where it is used."""

from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
