"""`geovq study …`: run a study, summarise its table, and check the figures that README takes from it."""

import argparse
from pathlib import Path

from geovq.errors import ConfigError


def add_study_command(study: argparse.ArgumentParser) -> None:
    """Add the arguments of `geovq study`."""
    study.add_argument("what", metavar="CONFIG", type=Path, help="YAML file of a study, such as configs/study.yaml")
    study.add_argument("--out", type=Path, default=None, metavar="DIR", help="folder (default: OUTPUTS/study)")
    study.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="cells whose name matches, such as 'mnist/s0/*/joint-*'; repeatable",
    )
    study.add_argument("--workers", type=int, default=1, metavar="N", help="processes at work (default: 1)")
    study.add_argument("--dry-run", action="store_true", help="only say what there is to do")
    study.set_defaults(do=_study)


def _study(options: argparse.Namespace) -> None:
    from geovq.runs import outputs_root
    from geovq.study.running import run_study

    if options.workers < 1:
        raise ConfigError(f"--workers must be at least 1; got {options.workers}.")
    out = (options.out or outputs_root() / "study").resolve()
    run_study(options.what, out, only=options.only, n_workers=options.workers, dry_run=options.dry_run)
