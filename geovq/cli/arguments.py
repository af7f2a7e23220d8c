"""What commands share: kinds of arguments, and progress on a terminal."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from geovq.progress import Progress

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


@contextmanager
def progress_bars() -> "Iterator[Progress]":
    """Bars on standard error where that is a terminal, else nothing; results go to standard output."""
    from geovq.progress import SilentProgress
    from geovq.runs.process.console import BarConsole, ConsoleProgress

    if not sys.stderr.isatty():
        yield SilentProgress()
        return
    console = BarConsole(sys.stderr)
    try:
        yield ConsoleProgress(console)
    finally:
        console.close()


def named_path(text: str) -> Path:
    """A path to write to; pathlib would take no name for the current folder."""
    if not text:
        raise ValueError
    return Path(text)


named_path.__name__ = "path"


def natural(text: str) -> int:
    """A whole number that is not negative."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


natural.__name__ = "whole number"  # what argparse calls it: "invalid whole number value: '-1'"
