"""`python -m geovq`, and the console command `geovq`."""

import sys

from geovq.cli import main
from geovq.threads import yield_while_waiting


def command() -> None:
    """Do what the command line says, and end this process with its exit code."""
    yield_while_waiting()
    sys.exit(main())


if __name__ == "__main__":
    command()
