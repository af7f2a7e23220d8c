"""Files that travel with the program: presets, assets, shipped runs, the app and its pages.

In a clone they are at the top of the repository; in an installed wheel they are inside the package.
"""

from importlib.resources import files
from pathlib import Path


def bundle_root() -> Path:
    """Folder that holds `configs`, `assets`, `checkpoints`, `pages` and `app.py`."""
    package = Path(str(files("geovq")))
    inside = package / "bundled"
    return inside if inside.is_dir() else package.parent


def bundled(*parts: str) -> Path:
    """Path of a file or folder of the bundle, as in `bundled("configs", "demo.yaml")`."""
    return bundle_root().joinpath(*parts)
