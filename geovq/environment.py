"""Folders that the user names by environment variables."""

import os
from pathlib import Path

from geovq.errors import ConfigError


def folder_named_by(variable: str, default: str) -> Path:
    """Folder that an environment variable names, `~` standing for the user's home; `default` where it is not set.

    Raises
    ------
    ConfigError
        If it begins with `~` and nobody knows the home that is meant.
    """
    named = os.environ.get(variable) or default
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{variable} is {named}, but that home is not known; give the whole path.") from error
