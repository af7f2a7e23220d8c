import sys
from pathlib import Path

import pytest

from geovq.errors import ArtifactError, ConfigError
from geovq.study import table
from geovq.study.table import StudyRow, read_table, write_table

ROWS = (
    StudyRow(
        cell="0a",
        dataset="mnist",
        seed=2,
        tokenizer="weighted",
        n_codes=64,
        search="joint",
        prices="codes",
        bit_price=0.006,
        codebook_bit_price=0.3,
        refit=True,
        n_images=2_000,
        bits_per_token=10 / 3,  # no decimal fraction says it
        mse=1e-3 / 7,
        used_codes=61,
        seconds=12.5,
    ),
    StudyRow(
        cell="0b",
        dataset="mnist",
        seed=0,
        tokenizer="vae",
        n_codes=0,
        search="",
        error='The loss became "nan", at step 3;\nlower the learning rate.',
    ),
)


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, ROWS)
    assert read_table(tmp_path / name) == ROWS


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_a_table_without_rows_too(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, ())
    assert read_table(tmp_path / name) == ()


def test_csv_needs_no_pyarrow_and_parquet_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    write_table(tmp_path / "table.csv", ROWS)
    assert read_table(tmp_path / "table.csv") == ROWS
    with pytest.raises(ConfigError, match="needs pyarrow"):
        write_table(tmp_path / "table.parquet", ROWS)


def test_the_shipped_table_is_found_where_geovq_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "bundled", tmp_path.joinpath)
    assert table.shipped_table() is None
    write_table(tmp_path / "assets" / "study" / "study.csv", ROWS)
    assert table.shipped_table() == ROWS


def test_other_names_other_columns_and_damage_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.csv or \.parquet"):
        write_table(tmp_path / "table.json", ROWS)
    with pytest.raises(ArtifactError, match="is missing"):
        read_table(tmp_path / "table.csv")
    file = tmp_path / "table.csv"
    file.write_text("dataset,seed\nmnist,0\n")
    with pytest.raises(ArtifactError, match=r"missing columns: .*tokenizer"):
        read_table(file)
    write_table(file, ROWS)
    file.write_text(file.read_text().replace("mnist,2", "mnist,two"))
    with pytest.raises(ArtifactError, match="is damaged"):
        read_table(file)
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="is damaged"):
        read_table(tmp_path / "table.parquet")
