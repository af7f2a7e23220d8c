"""`geovq …`, or `python -m geovq …`: makes, lists, measures, compares and ships runs, and opens the app.

Exit code 0, or 2 with one sentence on what to change, or 130 after an interruption; `doctor` ends with 1 if it found a
problem.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from geovq.benchmarks.command_line import add_bench_commands
from geovq.bundle import whereabouts
from geovq.cleaning import add_clean_command
from geovq.cli.making import add_making_commands
from geovq.cli.reading import add_reading_commands
from geovq.doctor.command_line import add_doctor_command
from geovq.errors import Cancelled, GeovqError
from geovq.reports.command_line import add_notebook_command, add_report_command
from geovq.serving import add_app_command
from geovq.study.command_line import add_study_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and do what it says; returns the exit code."""
    _replace_what_cannot_be_printed()
    options = _parser().parse_args(arguments)
    try:
        code: int | None = options.do(options)
        sys.stdout.flush()  # here, where a closed pipe can be handled
    except Cancelled as error:
        print(f"geovq: {error}", file=sys.stderr)
        return 130
    except GeovqError as error:
        print(f"geovq: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("geovq: interrupted; run the same command again.", file=sys.stderr)
        return 130
    else:
        return code or 0
    return 0


def _replace_what_cannot_be_printed() -> None:
    """Output has rules and arrows, which ASCII and the code pages of Windows lack; a question mark is better than none.

    Streams that somebody put in place of the standard ones take any character.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="geovq" if Path(sys.argv[0]).stem == "geovq" else "python -m geovq",
        description="The geometry of a VAE's latent space, and tokenizers made from it.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which geovq this is, and where")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_making_commands(commands)
    add_app_command(commands)
    add_reading_commands(commands)
    add_report_command(commands.add_parser("report", help="one HTML page about one or more runs, readable offline"))
    add_notebook_command(commands.add_parser("notebook", help="a notebook that repeats a run"))
    add_doctor_command(commands)
    add_clean_command(commands)
    study = commands.add_parser("study", help="measure many tokenizers over seeds: one table, and what follows from it")
    add_study_command(study)

    bench = commands.add_parser("bench", help="measure this machine: ours against the usual way, as ratios")
    add_bench_commands(bench)
    return parser


class _Version(argparse.Action):
    """Prints one line as it is; argparse's own action would break it at a terminal's width."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(whereabouts())
        parser.exit()
