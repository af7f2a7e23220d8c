"""Commands that make something: a run or a part of one, samples, a small copy, a classifier."""

import argparse
import sys
from pathlib import Path

from geovq.catalogue.datasets import DATASETS
from geovq.cli.arguments import Commands, named_path, natural, progress_bars

_TARGETS = {
    "run": "make a whole run: every stage that is not up to date",
    "train-vae": "train the VAE of a run",
    "train-vqvae": "train the VQ-VAEs of a run, FSQ and SimVQ among them",
    "discretize": "make the tokenizers of a run and its tokens",
    "refit": "refit copies of a run's decoder to the codes of its tokenizers",
    "train-prior": "train the priors of a run",
}


def add_making_commands(commands: Commands) -> None:
    """Add them to the command line."""
    for name, summary in _TARGETS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        command.add_argument("config", type=Path, metavar="CONFIG", help="YAML file, or the folder of a run")
        command.add_argument(
            "--out", type=named_path, metavar="DIR", help="folder of the run (default: OUTPUTS/dataset/name)"
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

    sample = commands.add_parser("sample", help="draw images from the prior of a run")
    sample.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    sample.add_argument("--tokenizer", default=None, help="whose prior (default: riemannian, else the first)")
    sample.add_argument("--n-samples", type=int, default=64, help="images (default: 64)")
    sample.add_argument("--temperature", type=float, default=1.0, help="below 1 is more careful (default: 1)")
    sample.add_argument("--top-p", type=float, default=1.0, help="share of the probability kept (default: 1)")
    sample.add_argument("--seed", type=natural, default=0, help="same seed, same images (default: 0)")
    sample.add_argument("--label", type=natural, default=None, help="class to draw, from a prior that knows classes")
    sample.add_argument(
        "--out", type=named_path, default=Path("samples.png"), help="PNG to write (default: samples.png)"
    )
    sample.set_defaults(do=_sample)

    ship = commands.add_parser("ship", help="write a small copy of a finished run, measured anew")
    ship.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    ship.add_argument("--out", type=named_path, required=True, metavar="DIR", help="folder of the copy")
    ship.set_defaults(do=_ship)

    classifier = commands.add_parser("train-classifier", help="train the classifier that judges samples of a data set")
    classifier.add_argument("dataset", choices=tuple(DATASETS), metavar="DATASET", help="such as mnist")
    classifier.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    classifier.add_argument("--out", type=named_path, default=None, metavar="FILE", help="(default: in assets/)")
    classifier.set_defaults(do=_train_classifier)


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


def _sample(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.sampling import write_samples

    with progress_bars() as progress:
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


def _ship(options: argparse.Namespace) -> None:
    from geovq.runs import open_run
    from geovq.runs.remeasuring import largest_difference
    from geovq.runs.shipping import folder_bytes, ship

    run = open_run(options.run)
    with progress_bars() as progress:
        copy = ship(run, options.out, progress)
    print(
        f"{copy.path}: {folder_bytes(copy.path) / 1e6:.1f} MB of {folder_bytes(run.path) / 1e6:.1f} MB; "
        f"the largest relative change of a measurement is {largest_difference(run, dict(copy.measurements)):.2g}."
    )


def _train_classifier(options: argparse.Namespace) -> None:
    from geovq.runs.stages.classifiers import classifier_file, train_classifier

    path = options.out or classifier_file(options.dataset)
    with progress_bars() as progress:
        accuracy = train_classifier(options.dataset, path, device=options.device, progress=progress)
    print(f"{path}: recognises {accuracy:.2%} of the test images.")
