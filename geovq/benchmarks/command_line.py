"""`python -m geovq bench …`: what can be measured on this machine, and with which options."""

import argparse
import importlib
from importlib.util import find_spec
from pathlib import Path

from geovq.errors import InvalidValueError, ServingError
from geovq.serving import APP_PACKAGES

_LONGEST_S = 86_400.0


def add_bench_commands(bench: argparse.ArgumentParser) -> None:
    """Add one command per benchmark below `bench`."""
    commands = bench.add_subparsers(title="benchmarks", required=True, metavar="WHAT")
    geometry = commands.add_parser("geometry", help="metric field, paths, discretization and encoding, as ratios")
    geometry.add_argument("--repeats", type=int, default=5, help="runs behind each median (default: 5)")
    geometry.set_defaults(do=_geometry)

    lloyd = commands.add_parser(
        "lloyd", help="graph Lloyd on up to a million landmarks, and its cost against FasterPAM"
    )
    lloyd.add_argument("--codes", type=int, default=256, metavar="K", help="(default: 256)")
    lloyd.add_argument("--seeds", type=int, default=5, help="searches that are compared with FasterPAM (default: 5)")
    lloyd.set_defaults(do=_lloyd)

    quality = commands.add_parser("quality", help="rate and distortion of tokenizers on the VAEs of several runs")
    quality.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs with a trained VAE")
    quality.add_argument(
        "--codes", type=int, nargs="+", default=[16, 64, 256], metavar="K", help="(default: 16 64 256)"
    )
    quality.add_argument(
        "--methods",
        nargs="+",
        default=["kmeans", "euclidean", "riemannian"],
        metavar="NAME",
        help="ratios are to the first (default: kmeans euclidean riemannian)",
    )
    quality.add_argument("--n-images", type=int, default=1_000, help="held-out images (default: 1,000)")
    quality.set_defaults(do=_quality)

    training = commands.add_parser("training", help="images, tokens and samples per second, peak memory, as ratios")
    training.add_argument("--repeats", type=int, default=5, help="runs behind each median (default: 5)")
    training.set_defaults(do=_training)

    weighted = commands.add_parser("weighted", help="metric-weighted Lloyd on up to a million points, and encoding")
    weighted.add_argument("--codes", type=int, default=256, metavar="K", help="(default: 256)")
    weighted.add_argument("--bit-price", type=float, default=0.3, help="in multiples of the error at 0 (default: 0.3)")
    weighted.add_argument("--seeds", type=int, default=5, help="fits that are compared with k-means (default: 5)")
    weighted.set_defaults(do=_weighted)

    joint = commands.add_parser("joint", help="tokens chosen together against each tokenizer's own rule")
    joint.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of finished runs")
    joint.add_argument(
        "--bit-prices", type=float, nargs="+", default=[0.006], metavar="PRICE", help="squared error (default: 0.006)"
    )
    joint.add_argument("--n-images", type=int, default=200, help="held-out images (default: 200)")
    joint.add_argument("--price-images", type=int, default=200, help="to learn prices from (default: 200)")
    joint.add_argument("--trial-images", type=int, default=16, help="also searched by decoding (default: 16)")
    joint.set_defaults(do=_joint)

    geodesics = commands.add_parser("geodesics", help="neighbours and ways by three distances, against the pictures")
    geodesics.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs with a measured geometry")
    geodesics.add_argument("--queries", type=int, default=200, metavar="N", help="landmarks (default: 200)")
    geodesics.add_argument("--neighbors", type=int, default=10, metavar="K", help="of each landmark (default: 10)")
    geodesics.set_defaults(do=_geodesics)

    app = commands.add_parser("app", help="the app with many sessions at once: times of pages, errors, memory")
    app.add_argument("--sessions", type=int, default=8, help="visitors (default: 8)")
    app.add_argument("--seconds", type=float, default=60.0, help="how long they walk about (default: 60)")
    app.add_argument("--think", type=float, default=5.0, metavar="SECONDS", help="mean time on a page (default: 5)")
    app.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help="with one page (default: 60)")
    app.add_argument("--seed", type=int, default=0, help="of the ways that they take (default: 0)")
    app.set_defaults(do=_app)

    for command in (geodesics, geometry, lloyd, quality, training, weighted, joint, app):
        command.add_argument("--out", type=Path, default=None, metavar="FILE", help="JSON to write")


def _geodesics(options: argparse.Namespace) -> None:
    from geovq.benchmarks.geodesics import bench_geodesics

    bench_geodesics(options.runs, n_queries=options.queries, k=options.neighbors, out=options.out)


def _geometry(options: argparse.Namespace) -> None:
    from geovq.benchmarks.geometry import bench_geometry

    bench_geometry(repeats=options.repeats, out=options.out)


def _lloyd(options: argparse.Namespace) -> None:
    from geovq.benchmarks.lloyd import bench_lloyd

    bench_lloyd(n_codes=options.codes, seeds=options.seeds, out=options.out)


def _training(options: argparse.Namespace) -> None:
    from geovq.benchmarks.training import bench_training

    bench_training(repeats=options.repeats, out=options.out)


def _quality(options: argparse.Namespace) -> None:
    from geovq.benchmarks.quality import bench_quality

    bench_quality(
        options.runs, n_codes=options.codes, methods=options.methods, n_images=options.n_images, out=options.out
    )


def _weighted(options: argparse.Namespace) -> None:
    from geovq.benchmarks.weighted import bench_weighted

    bench_weighted(n_codes=options.codes, bit_price=options.bit_price, seeds=options.seeds, out=options.out)


def _joint(options: argparse.Namespace) -> None:
    from geovq.benchmarks.joint import bench_joint

    bench_joint(
        options.runs,
        bit_prices=options.bit_prices,
        n_images=options.n_images,
        n_price_images=options.price_images,
        n_trial_images=options.trial_images,
        out=options.out,
    )


def _app(options: argparse.Namespace) -> None:
    times_s = options.seconds, options.think, options.patience
    if options.sessions < 1 or not all(0 < time_s <= _LONGEST_S for time_s in times_s):
        raise InvalidValueError("--sessions must be at least 1, and all times above 0 and at most a day.")
    if any(find_spec(name) is None for name in APP_PACKAGES):
        raise ServingError('The app is not installed; `pip install "geovq[app]"` brings it.')
    # By name: the app is above the command line, and an environment without it has all other benchmarks.
    importlib.import_module("geovq.app.load.bench").bench_app(
        n_sessions=options.sessions,
        seconds=options.seconds,
        think_s=options.think,
        patience_s=options.patience,
        seed=options.seed,
        out=options.out,
    )
