import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geovq.cli import main
from geovq.errors import Cancelled, ConfigError, InvalidValueError
from geovq.study import measuring, networks, workers
from geovq.study.cells import Cell
from geovq.study.results import read_arrays, read_row
from geovq.study.running import run_study
from geovq.study.table import StudyRow, read_table
from tests.study.small_study import cells_of


def without_times(rows: Iterable[StudyRow]) -> list[StudyRow]:
    return [replace(row, seconds=None) for row in rows]


@pytest.fixture
def begun_study(finished_study: Path, tmp_path: Path) -> Path:
    """The small study with its runs, without any cell."""
    out = tmp_path / "study"
    shutil.copytree(finished_study, out)
    shutil.rmtree(out / "cells")
    (out / "study.csv").unlink()
    return out


def test_the_table_has_a_row_for_every_cell_with_what_can_be_known_of_it(
    study_file: Path, finished_study: Path
) -> None:
    rows = read_table(finished_study / "study.csv")
    assert [row.cell for row in rows] == [cell.key for cell in cells_of(study_file).values()]
    vae, *others = rows
    assert (vae.tokenizer, vae.bits_per_token, vae.n_codes, vae.search) == ("vae", None, 0, "")
    assert all(not row.error and row.mse and row.seconds is not None for row in rows)
    for row in others:
        assert row.bits_per_token is not None
        assert 0 <= row.bits_per_token <= np.log2(row.n_codes)
        assert row.n_images == (40 if row.search == "own" else 20)
    with_prior = [row for row in rows if row.prior_bits_per_image is not None]
    assert len(with_prior) == 1
    assert with_prior[0].bce is not None
    nats = with_prior[0].prior_bits_per_image * np.log(2)
    assert with_prior[0].description_length == pytest.approx(with_prior[0].bce + nats)
    assert read_table(finished_study / "study.parquet") == rows
    assert not list((finished_study / "unfinished").glob("*"))


def test_per_image_numbers_have_the_means_of_the_row(finished_study: Path) -> None:
    for row in read_table(finished_study / "study.csv"):
        arrays = read_arrays(finished_study, row.cell)
        assert len(arrays["images"]) == row.n_images
        assert arrays["errors"].mean() == pytest.approx(row.mse, rel=1e-5)
        if row.bits_per_token is not None:  # the mean cost at prices -log2 of the frequencies is their entropy
            assert arrays["bits"].mean() == pytest.approx(row.bits_per_token, rel=1e-5)


def test_joint_search_has_less_error_than_the_own_rule_and_a_refit_less_than_none(finished_study: Path) -> None:
    rows = read_table(finished_study / "study.csv")[:10]
    mse = {(row.tokenizer, row.search, row.refit): row.mse or np.nan for row in rows}
    assert mse["vqvae", "own", True] < mse["vqvae", "own", False]
    assert mse["weighted", "joint", False] < mse["weighted", "own", False]


def test_what_is_done_is_skipped(
    study_file: Path, finished_study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workers, "measure_cell", lambda *_: pytest.fail("a cell was measured again"))
    before = (finished_study / "study.csv").read_bytes()
    run_study(study_file, finished_study)
    assert "13 of 13 cells are measured; nothing is left." in capsys.readouterr().out
    assert (finished_study / "study.csv").read_bytes() == before


def test_a_cell_that_fails_is_named_in_the_table_and_measured_the_next_time(
    study_file: Path, begun_study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = measuring.measure_cell

    def fails_for_four(cell: Cell, *rest: Path) -> Any:
        if cell.n_codes == 4:
            raise InvalidValueError("Four codes are too few.")
        return measure(cell, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "measure_cell", fails_for_four)
        run_study(study_file, begun_study, only=["*/own"])
    assert "1 cell failed; the table says why: mnist-sample/s0/kmeans/k4/own" in capsys.readouterr().out
    rows = read_table(begun_study / "study.csv")
    assert [(row.n_codes, row.error, row.mse is None) for row in rows] == [
        (4, "Four codes are too few.", True),
        *[(8, "", False)] * 3,
    ]
    run_study(study_file, begun_study, only=["*/k4/own"])
    assert not any(row.error for row in read_table(begun_study / "study.csv"))


def test_without_its_run_every_cell_of_it_is_named_and_the_others_go_on(study_file: Path, begun_study: Path) -> None:
    (begun_study / "mnist-sample" / "vqvae-k8-s0" / "manifest.json").write_text('{"format": 99}')
    run_study(study_file, begun_study, only=["*/own"])
    errors = {row.tokenizer: row.error for row in read_table(begun_study / "study.csv")}
    assert "has format 99" in errors.pop("vqvae")
    assert errors == {"kmeans": "", "weighted": ""}


def test_an_interrupted_study_ends_with_130_and_keeps_what_it_has(
    study_file: Path, begun_study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = measuring.measure_cell

    def interrupted_at_eight(cell: Cell, *rest: Path) -> Any:
        if cell.n_codes == 8:
            signal.raise_signal(signal.SIGINT)
        return measure(cell, *rest)

    monkeypatch.setattr(workers, "measure_cell", interrupted_at_eight)
    assert main(["study", str(study_file), "--out", str(begun_study), "--only", "*/own"]) == 130
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith("The study was interrupted; it keeps 1 measured cell, and the same command goes on.\n")
    assert [row.n_codes for row in read_table(begun_study / "study.csv")] == [4]


def test_an_interrupted_training_ends_the_study_too(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise Cancelled("The work was interrupted.")

    monkeypatch.setattr(networks, "work_on_run", interrupted)
    assert main(["study", str(study_file), "--out", str(tmp_path)]) == 130
    assert "it keeps 0 measured cells" in capsys.readouterr().err
    assert read_table(tmp_path / "study.csv") == ()


@pytest.mark.slow
def test_a_killed_study_goes_on_and_several_processes_measure_what_one_does(
    study_file: Path, finished_study: Path, begun_study: Path
) -> None:
    command = [sys.executable, "-m", "geovq", "study", str(study_file), "--out", str(begun_study), "--workers", "2"]
    command += ["--only", "*/own", "--only", "*/own/refit"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not list((begun_study / "cells").glob("*.json")) and process.poll() is None:
        time.sleep(0.1)
    process.kill()
    process.wait()
    cells = [cell for name, cell in cells_of(study_file).items() if name.endswith(("/own", "/own/refit"))]
    assert any(read_row(begun_study, cell) for cell in cells)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    alone = {row.cell: row for row in read_table(finished_study / "study.csv")}
    assert without_times(read_table(begun_study / "study.csv")) == without_times([alone[cell.key] for cell in cells])


def test_a_dry_run_names_the_work_and_does_none(
    study_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_study(study_file, tmp_path, only=["*/weighted/*/prior"], dry_run=True)
    assert capsys.readouterr().out.splitlines() == [
        "0 of 1 cells are measured; 1 cell and 1 run left.",
        "mnist-sample/vae-s0",
        "mnist-sample/s0/weighted/k8/own/prior",
    ]
    assert not list(tmp_path.iterdir())


def test_a_pattern_without_cells_and_a_number_without_workers_are_refused(study_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No cell matches cifar; names are such as mnist-sample/s0/"):
        run_study(study_file, tmp_path, only=["cifar"])
    assert main(["study", str(study_file), "--out", str(tmp_path), "--workers", "0"]) == 2
