"""Where the content of a new file goes: beside the old one and into its place, or into a pipe or device.

A reader sees the old file or the whole new one, never a half.
"""

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geovq.errors import ArtifactError

UNFINISHED = ".part"  # ends the name of a file until it is whole


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, whose content goes to `path` if the block succeeds, and vanishes if not.

    A link stays, and the file that it leads to is replaced. Pipes and character devices stay too, and get the content.

    Raises
    ------
    ArtifactError
        If `path` is a folder, a socket, a disk, a link to itself, or a pipe that nobody reads.
    OSError
        If the disk is full or a folder may not be written to.
    """
    mode = _mode(path)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        with _poured_into(path) as beside:
            yield beside
        return
    if mode and not stat.S_ISREG(mode):
        what = "is a folder; name a file in it" if stat.S_ISDIR(mode) else "is neither a file nor a pipe; name a file"
        raise ArtifactError(f"{path} {what}.")
    with _renamed_to(Path(os.path.realpath(path))) as beside:
        yield beside


def _mode(path: Path) -> int:
    """Kind of the file that a path leads to; 0 if there is none (yet)."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


@contextmanager
def _renamed_to(path: Path) -> Iterator[Path]:
    """A path beside `path`, which takes its place."""
    beside = path.with_name(
        f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}"
    )  # unique: two processes may write one file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(exist_ok=False)
        usual_mode = stat.S_IMODE(beside.stat().st_mode)  # as the user's umask has it; safetensors makes files private
        yield beside
        beside.chmod(usual_mode)
        with beside.open("rb") as file:
            os.fsync(file.fileno())  # the rename must not reach the disk before the content
        beside.replace(path)
    finally:
        # Gone after a rename; its folder may be what could not be written to.
        if os.access(beside, os.F_OK):
            beside.unlink()


@contextmanager
def _poured_into(node: Path) -> Iterator[Path]:
    """A path in a folder of its own, whose content is written to a pipe or device when it is whole."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "content"
        yield whole
        try:
            descriptor = os.open(node, os.O_WRONLY | os.O_NONBLOCK)  # else a pipe without a reader waits for ever
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise ArtifactError(f"{node} is a pipe that nobody reads; start its reader first.") from error
            raise
        os.set_blocking(descriptor, True)
        with whole.open("rb") as content, open(descriptor, "wb") as sink:
            shutil.copyfileobj(content, sink)
