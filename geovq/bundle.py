"""Files that travel with the program: presets, assets, shipped runs, the app and its pages.

In a clone they are at the top of the repository; in an installed wheel they are inside the package.
"""

import shlex
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path

from geovq.errors import ArtifactError
from geovq.version import __version__


def package_parent() -> Path:
    """Folder that this geovq is imported from: that of the clone, or the site-packages of an environment."""
    return Path(str(files("geovq"))).parent


def is_installed() -> bool:
    """Whether the files of the program are inside the package, as a wheel has them, and not in a clone."""
    return _inside().is_dir()


def bundle_root() -> Path:
    """Folder that holds `configs`, `assets`, `checkpoints`, `pages` and `app.py`."""
    return _inside() if is_installed() else package_parent()


def bundled(*parts: str) -> Path:
    """Path of a file or folder of the bundle, as in `bundled("configs", "demo.yaml")`."""
    return bundle_root().joinpath(*parts)


def require_bundled(*parts: str) -> Path:
    """As `bundled`, for what must be there.

    Raises
    ------
    ArtifactError
        If it is missing.
    """
    path = bundled(*parts)
    if not path.exists():
        raise ArtifactError(f"{path} is missing from this geovq; {restoring(path)}.")
    return path


def restoring(path: Path) -> str:
    """What brings a file of the bundle back, as a clause of an error message."""
    if is_installed():
        return "`pip install --force-reinstall --no-deps geovq` restores it"
    name = path.relative_to(bundle_root()) if path.is_relative_to(bundle_root()) else path
    return f"`git checkout -- {shlex.quote(str(name))}` restores it"


def whereabouts() -> str:
    """Which geovq this is, and which ones it is not: those of the current folder and of the environment."""
    ours = package_parent().resolve()
    found = [Path(), *(Path(str(one.locate_file(""))) for one in distributions(name="geovq"))]
    others = {path.resolve() for path in found if (path / "geovq" / "__init__.py").is_file()} - {ours}
    kind = "installed" if is_installed() else "a clone"
    return f"geovq {__version__} in {ours} ({kind})" + "".join(f", not the one in {other}" for other in sorted(others))


def _inside() -> Path:
    return Path(str(files("geovq"))) / "bundled"
