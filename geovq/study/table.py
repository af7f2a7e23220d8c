"""The table of a study: one row for each tokenizer at one operating point on one seed, as CSV and as Parquet.

Both files hold the same; CSV needs no package beyond Python's own, and says numbers to the last bit.
"""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from geovq.artifacts import write_bytes_atomic
from geovq.bundle import bundled
from geovq.errors import ArtifactError, ConfigError

VAE = "vae"  # what the autoencoder itself is called in the column of tokenizers
TABLE_NAME = "study.csv"


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """One tokenizer at one operating point, on the autoencoder of one seed, measured on held-out images.

    The autoencoder itself has a row too: its tokenizer is "vae", and it has no tokens. A number that was not measured,
    or is not defined, is None; a row whose `error` is not empty has no measurements at all.

    Attributes
    ----------
    cell : str
        Digest of all that the row follows from; names its files.
    dataset : str
    seed : int
        Of the autoencoder, the codebook and all else.
    tokenizer : str
        A name of `geovq.catalogue.tokenizers`, or "vae".
    n_codes : int
        Codes K; 0 for "vae".
    search : str
        "own", the tokenizer's own rule, or "joint", all cells of an image together; empty for "vae".
    prices : str
        What joint search took the bits of a token from, "codes" or "context"; else empty.
    bit_price : float
        Of joint search: squared pixel error, summed over an image, that one bit was worth; 0 for "own".
    codebook_bit_price : float, optional
        Of the codebook, in multiples of the error where bits are free; None where the codebook has no such price.
    refit : bool
        Whether images are decoded by a copy of the decoder that was refitted to the tokens.
    ablation : str
        What differs from the study's own settings, such as "assign=local"; empty for the study itself.
    n_images : int
        Held-out images that were measured.
    bits_per_token : float, optional
        Unigram entropy of the tokens.
    prior_bits_per_image : float, optional
        Held-out negative log-likelihood of the tokens under the learned prior.
    distortion : float, optional
        Mean squared pixel difference between decoded tokens and the decoded lattice, by the decoder before a refit.
    mse : float, optional
        Mean squared pixel difference between decoded tokens and the image.
    psnr : float, optional
        Of `mse`, in decibels.
    ssim : float, optional
    bce : float, optional
        Cross-entropy of the pixels, nats per image.
    description_length : float, optional
        Cross-entropy of the pixels plus the prior's cost of the tokens, nats per image.
    used_codes : int, optional
    seconds : float, optional
        Time that the cell of the study took.
    error : str
        Sentence of a cell that failed; else empty.
    """

    cell: str
    dataset: str
    seed: int
    tokenizer: str
    n_codes: int
    search: str
    prices: str = ""
    bit_price: float = 0.0
    codebook_bit_price: float | None = None
    refit: bool = False
    ablation: str = ""
    n_images: int = 0
    bits_per_token: float | None = None
    prior_bits_per_image: float | None = None
    distortion: float | None = None
    mse: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    bce: float | None = None
    description_length: float | None = None
    used_codes: int | None = None
    seconds: float | None = None
    error: str = ""


_TYPES: Mapping[str, Any] = get_type_hints(StudyRow)


def write_table(path: Path, rows: Sequence[StudyRow]) -> None:
    """Write a table, whole or not at all, in the format that the name ends in: ".csv" or ".parquet".

    Raises
    ------
    ArtifactError
        If it cannot be written there.
    ConfigError
        If the name ends otherwise, or Parquet is asked for without pyarrow.
    """
    if path.suffix == ".parquet":
        write_bytes_atomic(path, _parquet(rows))
        return
    _require_csv(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_TYPES)
    writer.writerows([_cell_text(value) for value in dataclasses.astuple(row)] for row in rows)
    write_bytes_atomic(path, text.getvalue().encode())


def read_table(path: Path) -> tuple[StudyRow, ...]:
    """Read a table that `write_table` wrote.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged or of another format.
    ConfigError
        If the name ends in neither ".csv" nor ".parquet", or Parquet is asked for without pyarrow.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing; `geovq study` makes it.")
    if path.suffix == ".parquet":
        return tuple(StudyRow(**record) for record in _parquet_records(path))
    _require_csv(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _require_columns(path, reader.fieldnames or ())
            return tuple(StudyRow(**{name: _value(name, record[name]) for name in _TYPES}) for record in reader)
    except (ValueError, TypeError, csv.Error) as error:
        raise ArtifactError(f"{path} is damaged ({error}); `geovq study` makes it again.") from error


def shipped_table() -> tuple[StudyRow, ...] | None:
    """The table of the study that travels with geovq; None where there is none."""
    path = bundled("assets", "study", TABLE_NAME)
    return read_table(path) if path.is_file() else None


def _cell_text(value: object) -> str:
    """As CSV writes a value; numbers to the last bit, None as nothing."""
    return "" if value is None else str(value)


def _value(name: str, text: str) -> Any:
    """The value of a column from its text."""
    kind = _TYPES[name]
    if isinstance(kind, UnionType):
        if text == "":
            return None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if kind is bool:
        if text not in ("True", "False"):
            raise ValueError(f"{name} must be True or False; got {text!r}")
        return text == "True"
    return kind(text)


def _require_columns(path: Path, names: Sequence[str]) -> None:
    if set(names) != set(_TYPES):
        missing, unknown = sorted(set(_TYPES) - set(names)), sorted(set(names) - set(_TYPES))
        raise ArtifactError(
            f"{path} is not a study's table of this geovq (missing columns: {', '.join(missing) or 'none'}; unknown: "
            f"{', '.join(unknown) or 'none'}); `geovq study` makes it again."
        )


def _require_csv(path: Path) -> None:
    if path.suffix != ".csv":
        raise ConfigError(f"{path} must end in .csv or .parquet.")


def _parquet(rows: Sequence[StudyRow]) -> bytes:
    pyarrow, parquet = _pyarrow()
    arrow_types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema(
        [(name, arrow_types[get_args(kind)[0] if get_args(kind) else kind]) for name, kind in _TYPES.items()]
    )
    sink = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([dataclasses.asdict(row) for row in rows], schema=schema), sink)
    return sink.getvalue()


def _parquet_records(path: Path) -> list[dict[str, Any]]:
    pyarrow, parquet = _pyarrow()
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); `geovq study` makes it again.") from error
    _require_columns(path, table.column_names)
    records: list[dict[str, Any]] = table.to_pylist()
    return records


def _pyarrow() -> tuple[Any, Any]:
    """Pyarrow and its reader of Parquet, which come with the app."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            'Parquet needs pyarrow, which comes with `pip install "geovq[app]"`; CSV needs nothing.'
        ) from error
    return pyarrow, parquet
