from geovq.doctor.finding import Finding, Verdict, ok, problem, summary, warning
from geovq.doctor.machine import (
    app_finding,
    browser_finding,
    device_findings,
    library_finding,
    port_finding,
    python_finding,
)
from geovq.jobs.devices import Device, Memory
from tests.doctor.conftest import listening

GIB = 2**30


def test_every_finding_is_one_line_with_its_remedy() -> None:
    assert problem("disk", "Nothing\nis free.", "Make room.").line().split() == (
        ["problem", "disk", "Nothing", "is", "free.", "Remedy:", "Make", "room."]
    )
    assert "Remedy" not in ok("disk", "9 GB are free.").line()


def test_the_last_line_counts() -> None:
    found = [ok("a", "A."), warning("b", "B.", ""), problem("c", "C.", ""), problem("d", "D.", "")]
    assert summary(found) == "2 problems, 1 warning."
    assert summary(found[:1]) == "no problems, no warnings."


def test_pythons_that_are_not_tested_are_told_apart() -> None:
    verdicts = [python_finding(version).verdict for version in ((3, 10), (3, 11), (3, 13), (3, 14))]
    assert verdicts == [Verdict.PROBLEM, Verdict.OK, Verdict.OK, Verdict.WARNING]


def test_a_missing_library_is_a_problem_and_a_missing_app_a_warning(monkeypatch) -> None:
    found = library_finding(("numpy", "no-such-package"))
    assert (found.verdict, found.sentence) == (Verdict.PROBLEM, "no-such-package cannot be found.")
    assert app_finding().verdict is Verdict.OK
    monkeypatch.setattr("geovq.doctor.machine.find_spec", lambda name: None)
    assert app_finding().verdict is Verdict.WARNING


def found_on(*devices: Device, driver: str = "") -> list[Finding]:
    return list(device_findings(list(devices), driver))


def test_devices_are_named_with_their_free_memory() -> None:
    cpu = Device("cpu", "cpu", Memory(3 * GIB, 4 * GIB))
    (found,) = found_on(cpu)
    assert (found.verdict, found.sentence) == (Verdict.OK, "cpu: 3.0 of 4.0 GiB of memory are free.")
    (found,) = found_on(Device("cpu", "cpu", Memory(GIB, 4 * GIB)))
    assert found.verdict is Verdict.WARNING
    assert [found.verdict for found in found_on(cpu, driver="GPU-1, 4, 4")] == [Verdict.OK, Verdict.WARNING]
    gpu = Device("cuda:0", "A GPU", None)
    assert [found.sentence for found in found_on(gpu, driver="GPU-1, 4, 4")] == ["cuda:0, A GPU."]


def test_a_taken_port_is_said_with_a_free_one() -> None:
    with listening() as port:
        found = port_finding(port)
        assert found.verdict is Verdict.WARNING
        assert "choose another, as in --port" in found.sentence
    assert port_finding(port).verdict is Verdict.OK


def test_without_a_display_the_way_to_the_app_is_said(monkeypatch) -> None:
    monkeypatch.setattr("geovq.doctor.machine.has_display", lambda: False)
    found = browser_finding(8600)
    assert found.verdict is Verdict.WARNING
    assert "http://127.0.0.1:8600" in found.remedy
