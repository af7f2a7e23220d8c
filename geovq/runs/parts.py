"""Parts of a run by name, each loaded when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from geovq.errors import ArtifactError

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, eq=False)
class ByName(Mapping[str, Loaded], Generic[Loaded]):
    """Parts of a run by name, each loaded when it is first asked for.

    Attributes
    ----------
    names : tuple of str
        Parts that are there.
    load : callable
        Loads a part by its name.
    what, run, remedy : str
        For messages: the kind of part, the run, and what makes missing parts.
    """

    names: tuple[str, ...]
    load: Callable[[str], Loaded]
    what: str
    run: str
    remedy: str
    _kept: dict[str, Loaded] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Loaded:
        if name not in self.names:
            there = ", ".join(self.names) or f"none yet, and {self.remedy}"
            raise MissingPartError(f"{self.run} has no {self.what} {name!r}; it has {there}.")
        if name not in self._kept:
            self._kept[name] = self.load(name)
        return self._kept[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class MissingPartError(ArtifactError, KeyError):
    """A run does not have the part that was asked for."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes
