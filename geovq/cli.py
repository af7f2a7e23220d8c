"""`geovq …`, or `python -m geovq …`: makes, lists, measures, compares and ships runs, and opens the app.

Exit code 0, or 2 with one sentence on what to change, or 130 after an interruption.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from geovq.benchmarks.command_line import add_bench_commands
from geovq.bundle import whereabouts
from geovq.catalogue.datasets import DATASETS
from geovq.errors import Cancelled, GeovqError
from geovq.serving import add_app_command
from geovq.study.command_line import add_study_command

if TYPE_CHECKING:
    from geovq.progress import Progress

_TARGETS = {
    "run": "make a whole run: every stage that is not up to date",
    "train-vae": "train the VAE of a run",
    "train-vqvae": "train the VQ-VAEs of a run",
    "discretize": "make the tokenizers of a run and its tokens",
    "refit": "refit copies of a run's decoder to the codes of its tokenizers",
    "train-prior": "train the priors of a run",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and do what it says; returns the exit code."""
    _replace_what_cannot_be_printed()
    options = _parser().parse_args(arguments)
    try:
        options.do(options)
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
    for name, summary in _TARGETS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        command.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, or the folder of a run")
        command.add_argument(
            "--out", type=_named_path, metavar="DIR", help="folder of the run (default: OUTPUTS/dataset/name)"
        )
        command.add_argument(
            "--reuse",
            type=Path,
            metavar="RUN",
            help="begin a new run with what this one has finished, its VAE at least",
        )
        command.add_argument(
            "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one setting; repeatable"
        )
        command.set_defaults(do=_make, target=name)
    _add_reading_commands(commands)
    return parser


class _Version(argparse.Action):
    """Prints one line as it is; argparse's own action would break it at a terminal's width."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(whereabouts())
        parser.exit()


def _add_reading_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add_app_command(commands)

    runs = commands.add_parser("runs", help="list the runs there are")
    runs.set_defaults(do=_runs)

    sample = commands.add_parser("sample", help="draw images from the prior of a run")
    sample.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    sample.add_argument("--tokenizer", default=None, help="whose prior (default: riemannian, else the first)")
    sample.add_argument("--n-samples", type=int, default=64, help="images (default: 64)")
    sample.add_argument("--temperature", type=float, default=1.0, help="below 1 is more careful (default: 1)")
    sample.add_argument("--top-p", type=float, default=1.0, help="share of the probability kept (default: 1)")
    sample.add_argument("--seed", type=_natural, default=0, help="same seed, same images (default: 0)")
    sample.add_argument("--label", type=_natural, default=None, help="class to draw, from a prior that knows classes")
    sample.add_argument(
        "--out", type=_named_path, default=Path("samples.png"), help="PNG to write (default: samples.png)"
    )
    sample.set_defaults(do=_sample)

    evaluate = commands.add_parser("evaluate", help="measure a run again on held-out images and compare with its files")
    evaluate.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    evaluate.add_argument("--json", action="store_true", help="print the measurements as JSON")
    evaluate.set_defaults(do=_evaluate)

    compare = commands.add_parser("compare", help="tabulate the tokenizers of one or more runs")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    compare.set_defaults(do=_compare)

    ship = commands.add_parser("ship", help="write a small copy of a finished run, measured anew")
    ship.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    ship.add_argument("--out", type=_named_path, required=True, metavar="DIR", help="folder of the copy")
    ship.set_defaults(do=_ship)

    classifier = commands.add_parser("train-classifier", help="train the classifier that judges samples of a data set")
    classifier.add_argument("dataset", choices=tuple(DATASETS), metavar="DATASET", help="such as mnist")
    classifier.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    classifier.add_argument("--out", type=_named_path, default=None, metavar="FILE", help="(default: in assets/)")
    classifier.set_defaults(do=_train_classifier)

    study = commands.add_parser("study", help="measure many tokenizers over seeds: one table, and what follows from it")
    add_study_command(study)

    bench = commands.add_parser("bench", help="measure this machine: ours against the usual way, as ratios")
    add_bench_commands(bench)


def _make(options: argparse.Namespace) -> None:
    from geovq.config import load_config
    from geovq.runs import open_run, outputs_root
    from geovq.runs.carry_over import begin_from
    from geovq.runs.followers import follow
    from geovq.runs.layout import CONFIG_FILE
    from geovq.runs.tables import measurements_table
    from geovq.runs.worker import work_on_run
    from geovq.training import processes

    path: Path = options.config
    is_run = path.is_dir()
    config = load_config(path / CONFIG_FILE if is_run else path, options.set)
    run_path = options.out or (path if is_run else outputs_root() / config.data.dataset / config.name)
    run_path = Path(run_path).resolve()
    group = processes()
    if not group.is_main:
        follow(config, run_path)
        return
    if options.reuse is not None and not (run_path / CONFIG_FILE).exists():
        begin_from(open_run(options.reuse), config, run_path)
    done = work_on_run(config, run_path, terminal=sys.stdout.isatty(), target=options.target)
    group.agree(None)  # those who follow have nothing more to train
    if options.target == "run":
        run = open_run(run_path)
        print(f"\n{measurements_table([(run.id, run.measurements)])}\n")
    print(f"{run_path}: {'made ' + ', '.join(done) if done else 'everything was up to date'}.")


def _runs(options: argparse.Namespace) -> None:
    from geovq.runs import list_runs
    from geovq.runs.tables import runs_table

    print(runs_table(list_runs()))


def _sample(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.sampling import write_samples

    with _progress() as progress:
        write_samples(
            open_run(options.run),
            options.tokenizer,
            options.out,
            n_samples=options.n_samples,
            temperature=options.temperature,
            top_p=options.top_p,
            seed=options.seed,
            label=options.label,
            progress=progress,
        )
    print(f"{options.n_samples} images are in {options.out}.")


def _evaluate(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import largest_difference, remeasure
    from geovq.runs.tables import measurements_table

    run = open_run(options.run)
    with _progress() as progress:
        measured = remeasure(run, progress)
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    print(measurements_table([(run.id, measured)]))
    print(f"\nLargest relative difference from the run's own files: {largest_difference(run, measured):.2g}.")


def _compare(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import require_measurements
    from geovq.runs.tables import measurements_table

    runs = [open_run(path) for path in options.runs]
    for run in runs:
        require_measurements(run)
    ids = [run.id for run in runs]
    # Runs of one name, in other folders, are told apart by these.
    names = [run.id if ids.count(run.id) == 1 else str(path) for run, path in zip(runs, options.runs, strict=True)]
    print(measurements_table([(name, run.measurements) for name, run in zip(names, runs, strict=True)]))


def _ship(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import largest_difference
    from geovq.runs.shipping import folder_bytes, ship

    run = open_run(options.run)
    with _progress() as progress:
        copy = ship(run, options.out, progress)
    print(
        f"{copy.path}: {folder_bytes(copy.path) / 1e6:.1f} MB of {folder_bytes(run.path) / 1e6:.1f} MB; "
        f"the largest relative change of a measurement is {largest_difference(run, dict(copy.measurements)):.2g}."
    )


def _train_classifier(options: argparse.Namespace) -> None:
    from geovq.runs.stages.classifiers import classifier_file, train_classifier

    path = options.out or classifier_file(options.dataset)
    with _progress() as progress:
        accuracy = train_classifier(options.dataset, path, device=options.device, progress=progress)
    print(f"{path}: recognises {accuracy:.2%} of the test images.")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Bars on standard error where that is a terminal, else nothing; results go to standard output."""
    from geovq.progress import SilentProgress
    from geovq.runs.process.console import BarConsole, ConsoleProgress

    if not sys.stderr.isatty():
        yield SilentProgress()
        return
    console = BarConsole(sys.stderr)
    try:
        yield ConsoleProgress(console)
    finally:
        console.close()


def _named_path(text: str) -> Path:
    """A path to write to; pathlib would take no name for the current folder."""
    if not text:
        raise ValueError
    return Path(text)


_named_path.__name__ = "path"


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


_natural.__name__ = "whole number"  # what argparse calls it: "invalid whole number value: '-1'"
