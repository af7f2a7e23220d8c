"""`geovq study …`: run a study, summarise its table, and check the figures that a document takes from it."""

import argparse
from pathlib import Path

from geovq.errors import ConfigError


def add_study_command(study: argparse.ArgumentParser) -> None:
    """Add the arguments of `geovq study`."""
    study.add_argument(
        "what", metavar="CONFIG", help="YAML file of a study, such as configs/study.yaml; or `summary`; or `check`"
    )
    study.add_argument("document", nargs="?", type=Path, help="for check: the Markdown file, such as README.md")
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
    study.add_argument("--write", action="store_true", help="for check: rewrite what differs")
    study.set_defaults(do=_study)


def _study(options: argparse.Namespace) -> None:
    if (options.document is None) == (options.what == "check"):
        raise ConfigError("`geovq study check` needs a document, such as README.md, and nothing else takes one.")
    if options.what == "check":
        _check(options)
    elif options.what == "summary":
        from geovq.study.summary import summarise, summary_text

        print(summary_text(summarise(_folder(options))))
    else:
        from geovq.study.running import run_study

        if options.workers < 1:
            raise ConfigError(f"--workers must be at least 1; got {options.workers}.")
        run_study(
            Path(options.what),
            _folder(options),
            only=options.only,
            n_workers=options.workers,
            dry_run=options.dry_run,
        )


def _check(options: argparse.Namespace) -> None:
    from geovq.bundle import bundled
    from geovq.study.readme import check_document

    folder = bundled("assets", "study") if options.out is None else _folder(options)
    n_blocks = check_document(options.document, folder, write=options.write)
    print(f"{options.document}: {n_blocks} blocks agree with {folder}.")


def _folder(options: argparse.Namespace) -> Path:
    from geovq.runs import outputs_root

    return Path(options.out or outputs_root() / "study").resolve()
