"""`geovq clean`: what can be thrown away in the outputs folder is listed, and deleted if that is wanted."""

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geovq.jobs.cleaning import Rubbish


def add_clean_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `clean`."""
    command = commands.add_parser(
        "clean",
        help="list failed and cancelled runs and what killed processes left; --yes deletes them",
        description="List failed and cancelled runs of the outputs folder, and files that killed processes left there.",
    )
    command.add_argument(
        "--older-than", type=_days, default=None, metavar="DAYS", help="runs that were not changed for so long too"
    )
    command.add_argument("--yes", action="store_true", help="delete what is listed; without it nothing is touched")
    command.set_defaults(do=lambda options: clean(options.older_than, really=options.yes))


def clean(older_than_days: float | None, *, really: bool) -> None:
    """List what can be thrown away, and delete it if that is wanted.

    Raises
    ------
    JobError
        After all others were deleted, if some could not be; the message names the first.
    """
    from geovq.errors import GeovqError, JobError
    from geovq.jobs.cleaning import delete, rubbish
    from geovq.runs import outputs_root

    root = outputs_root()
    found = rubbish(root, older_than_days=older_than_days)
    deleted, failures = [], []
    for one in found:
        print(f"{one.why:<10} {one.n_bytes / 1e6:>9.1f} MB  {one.path.relative_to(root)}")
        if really:
            try:
                delete(one, root)
                deleted.append(one)
            except GeovqError as error:
                failures.append(str(error))
    if really:
        print(f"{len(deleted)} of {len(found)} deleted, {_megabytes(deleted)} MB, in {root}.")
    elif found:
        print(f"{len(found)} found, {_megabytes(found)} MB, in {root}. Nothing was deleted; add --yes for that.")
    else:
        print(f"There is nothing to throw away in {root}.")
    if failures:
        raise JobError(f"{len(failures)} of {len(found)} could not be deleted; the first: {failures[0]}")


def _megabytes(found: "list[Rubbish]") -> str:
    return f"{sum(one.n_bytes for one in found) / 1e6:.1f}"


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < math.inf:
        raise ValueError
    return days


_days.__name__ = "number of days"
