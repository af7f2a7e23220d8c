"""Joint search on held-out images of a run, for each of its tokenizers: error, bits and speed, against their own rules.

Prices of codes are learned on training images, as a run learns them. The search by the lattice metric is also held
against the reference that decodes every candidate, on a few images.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from geovq.artifacts import write_json
from geovq.benchmarks.timing import machine
from geovq.errors import InvalidValueError
from geovq.evaluation import token_usage
from geovq.runs import Run, experiment_images, open_run
from geovq.runs.stages.workspace import Autoencoder
from geovq.tokenization import Tokenizer
from geovq.tokenization.search import JointTokens, PriceKind, Prices, search_jointly


@dataclass(frozen=True)
class JointRow:
    """One tokenizer, searched at one bit price."""

    run: str
    tokenizer: str
    bit_price: float  # squared pixel error, summed over an image, per bit
    n_images: int
    own_mse: float  # per pixel
    own_bits_per_token: float  # entropy of the tokens
    mse: float
    bits_per_token: float
    images_per_s: float
    trial_images: int
    mse_to_trial: float  # error of the search by the lattice metric over that by trial decoding, on those images
    times_faster_than_trial: float

    def line(self) -> str:
        """One row of the report."""
        return (
            f"{self.run:<20}  {self.tokenizer:<12}  {self.bit_price:>7g}  "
            f"{self.own_mse:.5f} @ {self.own_bits_per_token:5.2f}  {self.mse:.5f} @ {self.bits_per_token:5.2f}  "
            f"{self.mse / self.own_mse:5.2f}×  {self.images_per_s:8.1f}  {self.mse_to_trial:10.3f}×  "
            f"{self.times_faster_than_trial:6.1f}×"
        )


def bench_joint(
    run_paths: Sequence[Path],
    *,
    bit_prices: Sequence[float],
    n_images: int,
    n_price_images: int,
    n_trial_images: int,
    out: Path | None,
) -> list[JointRow]:
    """Print a row for every run, tokenizer and price; `out` gets them as JSON.

    Parameters
    ----------
    run_paths : sequence of Path
        Folders of finished runs.
    bit_prices : sequence of float
    n_images : int
        Held-out images, the first of the split.
    n_price_images : int
        Training images, evenly spaced, on which prices are learned.
    n_trial_images : int
        Held-out images that are also searched by decoding every candidate.
    out : Path, optional

    Raises
    ------
    InvalidValueError
        If a number of images is below 1.
    """
    if min(n_images, n_price_images, n_trial_images) < 1:
        raise InvalidValueError(
            f"Numbers of images must be at least 1; got {n_images}, {n_price_images} and {n_trial_images}."
        )
    print(machine())
    print(
        f"{'':<20}  {'tokenizer':<12}  {'price':>7}  {'own: MSE @ bits':>15}  {'joint: MSE @ bits':>15}  {'error':>6}  "
        f"{'images/s':>8}  {'MSE / trial':>11}  {'faster':>7}"
    )
    rows = []
    for run in map(open_run, run_paths):
        for name in run.tokenizers:
            for bit_price in bit_prices:
                rows.append(_measured(run, name, bit_price, n_images, n_price_images, n_trial_images))
                print(rows[-1].line(), flush=True)
    if out is not None:
        write_json(out, {"machine": machine(), "rows": [asdict(row) for row in rows]})
        print(f"\nWritten to {out}.")
    return rows


@torch.no_grad()
def _measured(
    run: Run, name: str, bit_price: float, n_images: int, n_price_images: int, n_trial_images: int
) -> JointRow:
    model, tokenizer = run.autoencoder(name), run.tokenizers[name]
    train, test = (experiment_images(run.config, split) for split in ("train", "test"))
    spaced = torch.linspace(0, len(train) - 1, min(n_price_images, len(train))).long()
    prices = _search(model, tokenizer, train.batch(spaced), bit_price, "codes").prices
    images = test.batch(torch.arange(min(n_images, len(test))))
    began = time.perf_counter()
    found = _search(model, tokenizer, images, bit_price, prices)
    elapsed_s = time.perf_counter() - began
    own = tokenizer.encode(model.encode(images))
    few = images[:n_trial_images]
    began = time.perf_counter()
    trial = _search(model, tokenizer, few, bit_price, prices, exact=True)
    trial_s = time.perf_counter() - began
    return JointRow(
        run=run.id,
        tokenizer=name,
        bit_price=bit_price,
        n_images=len(images),
        own_mse=float(found.error_before.mean()),
        own_bits_per_token=token_usage(own, tokenizer.n_codes).entropy_bits,
        mse=float(found.error_after.mean()),
        bits_per_token=token_usage(found.tokens, tokenizer.n_codes).entropy_bits,
        images_per_s=len(images) / elapsed_s,
        trial_images=len(few),
        mse_to_trial=float(found.error_after[: len(few)].mean() / trial.error_after.mean()),
        times_faster_than_trial=(trial_s / len(few)) / (elapsed_s / len(images)),
    )


def _search(
    model: Autoencoder,
    tokenizer: Tokenizer,
    images: Tensor,
    bit_price: float,
    prices: PriceKind | Prices,
    *,
    exact: bool = False,
) -> JointTokens:
    return search_jointly(model.decode, tokenizer, model.encode(images), images, bit_price, prices=prices, exact=exact)
