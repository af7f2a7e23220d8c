"""One self-contained HTML page about one or more runs: settings, rates and errors, measurements, pictures, samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.data import ImageSet, at_hand, load_images
from geovq.reports.points import curve_of, points_of
from geovq.runs import Run, experiment_images
from geovq.runs.layout import samples_file
from geovq.runs.remeasuring import require_measurements
from geovq.runs.tables import measured_values
from geovq.version import __version__
from geovq.viz import grey_tiles, in_rows, mosaic_figure, tokenizer_style
from geovq.viz.rate_distortion import rate_error_figure
from geovq.viz.report import Section, report_html

_N_IMAGES = 12
_N_SAMPLES = 36
_VAE = "vae"


def runs_report(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The page as one HTML document that fetches nothing.

    Parameters
    ----------
    runs : sequence of Run
        Each measured.
    names : sequence of str
        What each is called.

    Raises
    ------
    ArtifactError
        If a run has no measurements, or a file of it is missing or damaged.
    DataError
        If the held-out images cannot be read.
    """
    for run in runs:
        require_measurements(run)
    named = list(zip(names, runs, strict=True))
    sections = [*_planes(named), _measurements(named)]
    for name, run in named:
        sections += [_pictures(name, run), *_samples(name, run)]
    sections.append(_settings(named))
    title = names[0] if len(names) == 1 else f"{len(names)} runs"
    return report_html(f"geovq: {title}", [_lead(name, run) for name, run in named], sections, source=_source(runs))


def _lead(name: str, run: Run) -> str:
    labels = [tokenizer_style(tokenizer).label for tokenizer in run.tokenizers]
    counts = sorted({int(values["n_images"]) for values in run.measurements.values()})
    return (
        f"{name}, seed {run.seed}: {run.config.data.dataset}, tokenizers {', '.join(labels)}, "
        f"{run.config.codebook.n_codes} codes; measured on {' or '.join(f'{n:,}' for n in counts)} held-out images."
    )


def _planes(named: Sequence[tuple[str, Run]]) -> list[Section]:
    """Rate against error, one plane for each kind of images."""
    sections = []
    for kind in dict.fromkeys(_kind(run) for _, run in named):
        points = [
            point
            for name, run in named
            if _kind(run) == kind
            for point in points_of(name, run.measurements, "mse", curve_of(run))
        ]
        if points:
            figure = rate_error_figure(points, error_title="reconstruction error, MSE (pixel²)")
            note = "Left is cheaper, down is better. Whiskers are two standard errors. Hollow: refitted decoder."
            sections.append(Section(f"Rate and error: {kind}", note, figure))
    return sections


def _kind(run: Run) -> str:
    return run.config.data.dataset.removesuffix("-sample")


def _measurements(named: Sequence[tuple[str, Run]]) -> Section:
    headings, rows = measured_values([(name, run.measurements) for name, run in named])
    return Section("All measurements", "On held-out images.", table=pd.DataFrame(rows, columns=headings))


def _settings(named: Sequence[tuple[str, Run]]) -> Section:
    settings = {name: _flat(run.config.model_dump(mode="json")) for name, run in named}
    keys = dict.fromkeys(key for values in settings.values() for key in values)
    rows = [[key, *(_words(values.get(key)) for values in settings.values())] for key in keys]
    return Section("Settings", "As the run's config.yaml has them.", table=pd.DataFrame(rows, columns=["", *settings]))


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _words(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) or "–" if isinstance(value, list) else str(value)


@torch.no_grad()
def _pictures(name: str, run: Run) -> Section:
    images = _held_out(run)
    pixels = images.batch(torch.arange(min(_N_IMAGES, len(images))))
    rows = {"original": pixels}
    if _VAE in run.models:
        rows["VAE"] = run.autoencoder(_VAE).decode(run.autoencoder(_VAE).encode(pixels))
    for tokenizer in run.tokenizers:
        model = run.autoencoder(tokenizer)
        lattices = run.tokenizers[tokenizer].decode(_tokens(run, tokenizer, images, pixels))
        label = tokenizer_style(tokenizer).label
        rows[label] = model.decode(lattices)
        if tokenizer in run.decoders:
            rows[f"{label}, refitted"] = run.decoders[tokenizer].decode(lattices)
    tiles = np.stack([grey_tiles(part[:, 0].numpy()) for part in rows.values()])
    columns = [str(index) for index in range(len(pixels))]
    return Section(
        f"Held-out images: {name}",
        f"The first {len(pixels)} of {len(images):,} images of {images.name}.",
        mosaic_figure(tiles, row_labels=list(rows), column_labels=columns),
    )


def _held_out(run: Run) -> ImageSet:
    """The run's held-out images; of a full set that is not on this machine, the embedded sample's."""
    nearest = at_hand(run.config.data.dataset)
    return experiment_images(run.config, "test") if nearest == run.config.data.dataset else load_images(nearest, "test")


def _tokens(
    run: Run, tokenizer: str, images: ImageSet, pixels: Float[Tensor, "n c height width"]
) -> Int64[Tensor, "n h w"]:
    """The run's own tokens, if these are the images that it has tokens of; else by the tokenizer's own rule."""
    if images.name == run.config.data.dataset:
        return torch.from_numpy(run.tokens(tokenizer, "test")[: len(pixels)])
    return run.tokenizers[tokenizer].encode(run.autoencoder(tokenizer).encode(pixels))


def _samples(name: str, run: Run) -> list[Section]:
    sections = []
    for tokenizer in run.priors:
        if not run.has(samples_file(tokenizer)):
            continue
        drawn = run.samples(tokenizer).images
        tiles = grey_tiles(drawn[:_N_SAMPLES].astype(np.float32) / 255)
        sections.append(
            Section(
                f"Samples: {name}, {tokenizer_style(tokenizer).label}",
                f"The first {len(tiles)} of {len(drawn):,} images that the prior drew.",
                mosaic_figure(in_rows(tiles, _N_IMAGES)),
            )
        )
    return sections


def _source(runs: Sequence[Run]) -> str:
    fingerprints = ", ".join(f"{run.id} ({run.fingerprint})" for run in runs)
    return f"geovq {__version__} · {fingerprints}"
