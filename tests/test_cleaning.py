"""`geovq clean`: a list that touches nothing, and the same list deleted."""

from pathlib import Path

import pytest

from geovq.cli import main
from geovq.runs.process.status import State, Status, write_status


@pytest.fixture
def failed(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path / "outputs"))
    for name, state in (("failed", State.FAILED), ("done", State.DONE)):
        run = tmp_path / "outputs" / "mnist" / name
        run.mkdir(parents=True)
        (run / "vae.safetensors").write_bytes(bytes(2_000_000))
        write_status(run, Status(state))
    return tmp_path / "outputs" / "mnist" / "failed"


def test_the_list_touches_nothing(failed, capsys) -> None:
    assert main(["clean"]) == 0
    out = capsys.readouterr().out
    assert "failed           2.0 MB  mnist/failed" in out
    assert "1 found, 2.0 MB" in out
    assert "Nothing was deleted; add --yes for that." in out
    assert failed.exists()


def test_yes_deletes_what_is_listed_and_nothing_else(failed, capsys) -> None:
    assert main(["clean", "--yes"]) == 0
    assert "1 of 1 deleted, 2.0 MB" in capsys.readouterr().out
    assert not failed.exists()
    assert (failed.parent / "done").exists()
    assert main(["clean"]) == 0
    assert "There is nothing to throw away" in capsys.readouterr().out


def test_what_could_not_be_deleted_is_an_error_after_the_rest(failed, capsys, monkeypatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    assert main(["clean", "--yes"]) == 2
    assert "1 of 1 could not be deleted; the first: " in capsys.readouterr().err


@pytest.mark.parametrize("days", ["-1", "nan", "inf", "soon"])
def test_days_must_be_a_number_of_days(days, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["clean", f"--older-than={days}"])
    assert ended.value.code == 2
    assert "invalid number of days value" in capsys.readouterr().err
