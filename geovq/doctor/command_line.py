"""`geovq doctor`."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from geovq.serving import PORT

if TYPE_CHECKING:
    from geovq.doctor.finding import Finding


def add_doctor_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `doctor`."""
    command = commands.add_parser(
        "doctor",
        help="look whether this machine can do everything, and say what to do where it cannot",
        description="Look whether this machine can do everything. Exit code 1 if something is a problem.",
    )
    command.add_argument("--port", type=int, default=PORT, help=f"port of the app to try (default: {PORT})")
    command.add_argument(
        "--device", default=None, metavar="NAME", help="also compute a tiny chain there, and compare it with the CPU's"
    )
    command.set_defaults(do=lambda options: diagnose(options.port, options.device))


def diagnose(port: int, device: str | None) -> int:
    """Print every finding as soon as it is known; 1 if one is a problem, else 0."""
    from geovq.doctor.finding import Verdict, summary

    findings = []
    for finding in _findings(port, device):
        print(finding.line(), flush=True)
        findings.append(finding)
    print(summary(findings))
    return int(any(finding.verdict is Verdict.PROBLEM for finding in findings))


def _findings(port: int, device: str | None) -> "Iterator[Finding]":
    from geovq.doctor.finding import Verdict, problem
    from geovq.doctor.machine import machine_findings, version_findings
    from geovq.errors import DeviceError

    is_complete = True
    for finding in version_findings():
        is_complete = is_complete and finding.verdict is not Verdict.PROBLEM
        yield finding
    if not is_complete:
        return  # the rest imports what is missing
    from geovq.doctor.folders import folder_findings

    yield from machine_findings(port)
    yield from folder_findings()
    if device is None:
        return
    from geovq.doctor.chain import chain_findings

    try:
        yield from chain_findings(device)
    except DeviceError as error:
        yield problem("device", str(error), "")
