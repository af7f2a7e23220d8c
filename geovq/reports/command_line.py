"""`geovq report` and `geovq notebook`: runs as documents."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from geovq.errors import ServingError

_DRAWS_WITH = ("plotly", "pandas", "PIL")  # of the extra `app`


def add_report_command(command: argparse.ArgumentParser) -> None:
    """Declare the arguments of `report`."""
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    command.add_argument("--out", type=Path, default=Path("report.html"), help="HTML to write (default: report.html)")
    command.set_defaults(do=_report)


def add_notebook_command(command: argparse.ArgumentParser) -> None:
    """Declare the arguments of `notebook`."""
    command.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    command.add_argument(
        "--out", type=Path, default=None, metavar="FILE", help="notebook to write (default: NAME-OF-THE-RUN.ipynb)"
    )
    command.set_defaults(do=_notebook)


def _report(options: argparse.Namespace) -> None:
    from geovq.artifacts import write_bytes_atomic
    from geovq.runs import open_run
    from geovq.runs.tables import distinct_names

    lacking = [name for name in _DRAWS_WITH if find_spec(name) is None]
    if lacking:
        raise ServingError(
            f"geovq report draws with {', '.join(lacking)}, which this environment lacks; "
            'install what belongs to the app with `pip install "geovq[app]"`.'
        )
    from geovq.reports.page import runs_report

    runs = [open_run(path) for path in options.runs]
    document = runs_report(runs, distinct_names(runs, options.runs)).encode()
    write_bytes_atomic(options.out, document)
    print(f"{options.out}: {len(document) / 1e6:.1f} MB, readable offline.")


def _notebook(options: argparse.Namespace) -> None:
    from geovq.artifacts import write_bytes_atomic
    from geovq.reports.notebook import run_notebook
    from geovq.runs import open_run

    run = open_run(options.run)
    path = options.out or Path(f"{run.config.name}.ipynb")
    write_bytes_atomic(path, run_notebook(run).encode())
    print(f"{path} repeats {run.id}; open it with Jupyter.")
