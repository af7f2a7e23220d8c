"""What was looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a thing is: a warning lets work go on, a problem does not."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of a report.

    Attributes
    ----------
    what : str
        The thing that was looked at, in a word or two.
    verdict : Verdict
    sentence : str
        How it is.
    remedy : str
        What to do; empty where there is nothing to be done.
    """

    what: str
    verdict: Verdict
    sentence: str
    remedy: str = ""

    def line(self) -> str:
        """The finding as one line of text."""
        said = f"{self.verdict:<8} {self.what:<14} {self.sentence}"
        return " ".join(f"{said} Remedy: {self.remedy}".split("\n")) if self.remedy else said


def ok(what: str, sentence: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(what, Verdict.OK, sentence)


def warning(what: str, sentence: str, remedy: str) -> Finding:
    """A thing that limits what can be done."""
    return Finding(what, Verdict.WARNING, sentence, remedy)


def problem(what: str, sentence: str, remedy: str) -> Finding:
    """A thing that keeps work from being done."""
    return Finding(what, Verdict.PROBLEM, sentence, remedy)


def summary(findings: list[Finding]) -> str:
    """How many problems and warnings there are."""
    n_problems = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    n_warnings = sum(finding.verdict is Verdict.WARNING for finding in findings)
    return f"{_counted(n_problems, 'problem')}, {_counted(n_warnings, 'warning')}."


def _counted(n: int, noun: str) -> str:
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"
