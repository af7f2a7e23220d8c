"""Files of a run: written beside and renamed into place, read with errors that name the file and the remedy.

A reader sees the old file or the whole new one. Tensors are safetensors and no pickles: reading them runs no code.
Everything besides the tensors is one JSON text in the header: safetensors keeps its header entries in an unordered map,
and with a single entry the same content is always the same bytes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from geovq.errors import ArtifactError
from geovq.replacing import UNFINISHED, replacing

HEADER = "geovq"  # name of the one header entry of our safetensors files
REBUILD = "delete it and run the step that writes it again"
_MAKE_READABLE = "make it and its folder readable to this user"


def write_safetensors(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    *,
    kind: str,
    format: int,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write tensors and JSON metadata as one safetensors file, whole or not at all.

    Parameters
    ----------
    path : path
        Missing parent folders are made.
    tensors : mapping of str to Tensor
        Any device and layout; they are stored contiguous, and shared memory is stored twice.
    kind : str
        What the file is, such as "model"; `read_safetensors` refuses another.
    format : int
        Number of the layout of `tensors` and `metadata`; raise it when old readers would misread new files.
    metadata : mapping, optional
        Values that JSON can hold.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    header = {"kind": kind, "format": format, **(metadata or {})}
    copies = {
        # Copies: safetensors refuses tensors that share memory.
        name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
        for name, tensor in tensors.items()
    }
    with _written(Path(path)) as beside:
        save_file(copies, beside, metadata={HEADER: json.dumps(header)})


def read_safetensors(
    path: str | Path, kind: str, format: int, *, remedy: str = REBUILD
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and metadata of a file written by `write_safetensors`.

    Parameters
    ----------
    path : path
    kind : str
    format : int
        What the file must say that it is.
    remedy : str
        Ends the error message: what to do about a file that cannot be used, for example the command that rebuilds it.

    Returns
    -------
    tensors : dict of str to Tensor
    metadata : dict
        What was given to `write_safetensors`, with "kind" and "format".

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, or of another kind or format.
    """
    path = Path(path)
    with _opened(path, remedy) as file:
        header = _header_of(file)
        _require_kind(path, header, kind, format, remedy)
        # Clones: what safetensors hands out is a view of the file, at any alignment.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  (not a mapping)
    return tensors, header


def write_bytes_atomic(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    with _written(Path(path)) as beside:
        beside.write_bytes(content)


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON file whole or not at all; `ArtifactError` if it cannot be written."""
    write_bytes_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: str | Path, *, remedy: str = REBUILD) -> Any:
    """Value of a JSON file; `ArtifactError` with the remedy if it is missing or damaged."""
    path = Path(path)
    _require_file(path, remedy)
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {remedy}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def discard_unfinished(folder: Path) -> None:
    """Remove what a killed process had begun to write below a folder that nobody else writes to now."""
    for beside in folder.rglob(f".*{UNFINISHED}"):
        beside.unlink(missing_ok=True)


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes; `ArtifactError` if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(Path(path), error) from error


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    try:
        with replacing(path) as beside:
            yield beside
    except ArtifactError:
        raise
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"{path} cannot be written ({error}); make its folder writable, free some space, or choose another folder."
        ) from error


@contextmanager
def _opened(path: Path, remedy: str) -> Iterator[Any]:
    _require_file(path, remedy)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, ValueError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {remedy}.") from error
    except ArtifactError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from error


def _header_of(file: Any) -> dict[str, Any]:
    header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
    return header if isinstance(header, dict) else {}


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    """The content of such a file may be sound, so the remedy is not to delete it."""
    return ArtifactError(f"{path} cannot be read ({error.strerror or error}); {_MAKE_READABLE}.")


def _require_file(path: Path, remedy: str) -> None:
    try:
        is_file = path.is_file()
    except OSError as error:  # its folder may not be entered
        raise _unreadable(path, error) from error
    if not is_file:
        raise ArtifactError(f"{path} {'is not a file' if path.exists() else 'does not exist'}; {remedy}.")


def _require_kind(path: Path, header: Mapping[str, Any], kind: str, format: int, remedy: str) -> None:
    found = (header.get("kind"), header.get("format"))
    if found != (kind, format):
        got = f"a {found[0]} of format {found[1]}" if found[0] else "not a geovq file"
        raise ArtifactError(f"{path} is {got}, where a {kind} of format {format} is needed; {remedy}.")
