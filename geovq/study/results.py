"""What a study has measured, on disk: one small JSON file and one npz file of each cell, and the table of all."""

import dataclasses
import io
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geovq.artifacts import read_json, write_bytes_atomic, write_json
from geovq.errors import ArtifactError
from geovq.study.cells import Cell
from geovq.study.table import TABLE_NAME, StudyRow, write_table

Arrays = dict[str, NDArray[Any]]


def write_cell(out: Path, row: StudyRow, arrays: Arrays) -> None:
    """Keep a measured cell; its row is written last, so that a cell with a row is whole."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # numpy's own options would be misread as arrays
    write_bytes_atomic(_arrays_file(out, row.cell), buffer.getvalue())
    write_json(_row_file(out, row.cell), dataclasses.asdict(row))


def write_failure(out: Path, row: StudyRow) -> None:
    """Keep why a cell failed, until it is measured."""
    write_json(_row_file(out, row.cell), dataclasses.asdict(row))


def read_row(out: Path, cell: Cell) -> StudyRow | None:
    """Row of a cell under the name that it has now; None if there is none yet, or it cannot be read."""
    file = _row_file(out, cell.key)
    if not file.exists():
        return None
    try:
        return dataclasses.replace(StudyRow(**read_json(file)), ablation=cell.ablation)
    except (ArtifactError, TypeError):
        return None  # damaged, or of another version: it is measured again


def read_arrays(out: Path, key: str) -> Arrays:
    """Per-image numbers of a cell; `ArtifactError` if they are missing or damaged."""
    path = _arrays_file(out, key)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{path} is missing or damaged ({error}); delete {_row_file(out, key).name} beside it, and `geovq study` "
            "measures the cell again."
        ) from error


def write_tables(out: Path, rows: Iterable[StudyRow]) -> None:
    """The table as CSV and, where pyarrow is installed, as Parquet."""
    table = tuple(rows)
    write_table(out / TABLE_NAME, table)
    if find_spec("pyarrow") is not None:
        write_table((out / TABLE_NAME).with_suffix(".parquet"), table)


def _row_file(out: Path, key: str) -> Path:
    return out / "cells" / f"{key}.json"


def _arrays_file(out: Path, key: str) -> Path:
    return out / "cells" / f"{key}.npz"
