"""A study whose answer is known: errors fall as 2 ** -bits, times a factor of the method."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from geovq.study.methods import Method
from geovq.study.results import write_cell, write_tables
from geovq.study.table import StudyRow

N_IMAGES, N_SEEDS = 300, 3
RATES = {16: 3.0, 64: 4.0, 256: 5.0}  # bits per token, by K


def write_made_up_study(
    out: Path,
    factors: Mapping[Method, float],
    *,
    dataset: str = "mnist",
    others: Iterable[StudyRow] = (),
    n_images: Mapping[Method, int] | None = None,
) -> list[StudyRow]:
    """Cells and table of methods with given factors; the autoencoder's own error is 2 ** -5.5."""
    difficulty = np.random.default_rng(0).lognormal(sigma=0.3, size=N_IMAGES)
    difficulty /= difficulty.mean()
    rows = []
    for seed in range(N_SEEDS):
        for number, (method, factor) in enumerate(factors.items()):
            n = (n_images or {}).get(method, N_IMAGES)
            for n_codes, bits in RATES.items():
                chance = np.random.default_rng([seed, number, n_codes]).lognormal(sigma=0.05, size=N_IMAGES)
                errors = factor * 2.0**-bits * difficulty * chance / chance.mean()
                row = StudyRow(
                    cell=f"{dataset}{seed}{method.tokenizer}{method.search}{method.refit}{n_codes}",
                    dataset=dataset,
                    seed=seed,
                    tokenizer=method.tokenizer,
                    n_codes=n_codes,
                    search=method.search,
                    bit_price=0.006 if method.search == "joint" else 0.0,
                    refit=method.refit,
                    n_images=n,
                    bits_per_token=bits,
                    mse=float(errors[:n].mean()),
                )
                arrays = {"images": np.arange(n)[::-1], "errors": errors[:n][::-1], "bits": np.full(n, bits)}
                write_cell(out, row, arrays)
                rows.append(row)
        vae = StudyRow(
            cell=f"{dataset}{seed}vae", dataset=dataset, seed=seed, tokenizer="vae", n_codes=0, search="", mse=2**-5.5
        )
        write_cell(out, vae, {"images": np.arange(N_IMAGES), "errors": 2**-5.5 * difficulty})
        rows.append(vae)
    rows += others
    write_tables(out, rows)
    return rows
