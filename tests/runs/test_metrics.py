import pytest

from geovq.errors import ArtifactError
from geovq.runs.metrics import append_metrics, drop_torn_line, read_metrics

ROWS = [
    {"stage": "vae", "step": 1, "loss": 0.5},
    {"stage": "vae", "step": 2, "loss": 0.25},
    {"stage": "prior", "é": None},
]


@pytest.fixture
def run(tmp_path):
    for row in ROWS:
        append_metrics(tmp_path, row)
    return tmp_path


def test_rows_come_back_in_order(run):
    assert read_metrics(run) == ROWS


@pytest.mark.parametrize("after", range(5))
def test_a_poll_gets_only_what_follows(run, after):
    assert read_metrics(run, after=after) == ROWS[after:]


def test_nothing_measured_is_no_rows(tmp_path):
    assert read_metrics(tmp_path) == []
    drop_torn_line(tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_line_torn_anywhere_is_ignored_then_cut_off(run):
    file = run / "metrics.jsonl"
    whole = file.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    for end in range(last, len(whole)):
        file.write_bytes(whole[:end])
        assert read_metrics(run) == ROWS[:2]
        drop_torn_line(run)
        append_metrics(run, ROWS[2])
        assert file.read_bytes() == whole


def test_whole_lines_are_never_cut(run):
    before = (run / "metrics.jsonl").read_bytes()
    drop_torn_line(run)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_values_that_are_not_finite_become_null(tmp_path):
    append_metrics(tmp_path, {"a": float("nan"), "b": float("inf"), "c": 1.0})
    assert read_metrics(tmp_path) == [{"a": None, "b": None, "c": 1.0}]


@pytest.mark.parametrize("line", ["{]", "3"])
def test_a_damaged_line_is_named(run, line):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ArtifactError, match=r"metrics\.jsonl, line 4 is"):
        read_metrics(run)
    assert read_metrics(run, after=4) == []
