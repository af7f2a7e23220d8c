import pytest

from geovq.app.load.report import lines, measured
from geovq.app.load.visitor import Visit

VISITS = [Visit("home", "a/b", seconds, 2_000) for seconds in (1.0, 2.0, 3.0)] + [
    Visit("tokens", "a/b", 9.0, 1_000, "KeyError: 'a'"),
    Visit("tokens", "a/b", 5.0, 3_000, "KeyError: 'a'"),
]


def test_times_are_of_pages_that_were_shown_and_errors_are_counted_by_what_they_say() -> None:
    found = measured(VISITS, [100.0, 300.0, 200.0], cpu_s=4.0, seconds=10.0)
    assert (found["pages"]["visits"], found["pages"]["errors"]) == (5, 2)
    assert found["by_page"]["home"]["median_s"] == found["pages"]["median_s"] == 2.0
    assert found["by_page"]["home"]["p95_s"] == pytest.approx(2.9)
    assert found["by_page"]["tokens"]["median_s"] is None
    assert found["by_page"]["tokens"]["kb_per_page"] == 2.0
    assert found["pages"]["bytes"] == 10_000
    assert found["errors"] == {"tokens: KeyError: 'a'": 2}
    assert found["memory_mb"] == {"first": 100.0, "last": 200.0, "most": 300.0}


def test_people_get_a_row_for_each_page_the_memory_and_the_errors() -> None:
    text = "\n".join(lines(measured(VISITS, [100.0, 300.0, 200.0], cpu_s=4.0, seconds=10.0)))
    assert [line.split() for line in text.splitlines()[1:4]] == [
        ["home", "3", "0", "2.00", "2.90", "2"],
        ["tokens", "2", "2", "–", "–", "2"],
        ["all", "5", "2", "2.00", "2.90", "2"],
    ]
    assert "100 MB at first, 300 at most, 200 at last; 4 s of processor time in 10 s" in text
    assert text.endswith("2 × tokens: KeyError: 'a'")
