"""Commands that read finished runs: list, measure again, compare."""

import argparse
import json
from pathlib import Path

from geovq.cli.arguments import Commands, progress_bars


def add_reading_commands(commands: Commands) -> None:
    """Add them to the command line."""
    runs = commands.add_parser("runs", help="list the runs there are")
    runs.set_defaults(do=_runs)

    evaluate = commands.add_parser("evaluate", help="measure a run again on held-out images and compare with its files")
    evaluate.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    evaluate.add_argument("--json", action="store_true", help="print the measurements as JSON")
    evaluate.set_defaults(do=_evaluate)

    compare = commands.add_parser("compare", help="tabulate the tokenizers of one or more runs")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    compare.set_defaults(do=_compare)


def _runs(options: argparse.Namespace) -> None:
    from geovq.runs import list_runs
    from geovq.runs.tables import runs_table

    print(runs_table(list_runs()))


def _evaluate(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import largest_difference, remeasure
    from geovq.runs.tables import measurements_table

    run = open_run(options.run)
    with progress_bars() as progress:
        measured = remeasure(run, progress)
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    print(measurements_table([(run.id, measured)]))
    print(f"\nLargest relative difference from the run's own files: {largest_difference(run, measured):.2g}.")


def _compare(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import require_measurements
    from geovq.runs.tables import distinct_names, measurements_table

    runs = [open_run(path) for path in options.runs]
    for run in runs:
        require_measurements(run)
    names = distinct_names(runs, options.runs)
    print(measurements_table([(name, run.measurements) for name, run in zip(names, runs, strict=True)]))
