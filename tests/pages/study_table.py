"""A made-up study: errors fall by a known factor per bit, so that what the page must say is known."""

import numpy as np

from geovq.study.table import StudyRow

_FACTORS = {"kmeans": 1.6, "weighted": 0.5, "vqvae": 1.0}  # error at equal bits, against the VQ-VAE
_TOGETHER, _REFIT = 0.6, 0.8


def rows(seeds: tuple[int, ...] = (0, 1, 2)) -> list[StudyRow]:
    """Three tokenizers on two data sets, by both searches, with both decoders."""
    found = [
        StudyRow(cell="v", dataset=name, seed=seed, tokenizer="vae", n_codes=0, search="", n_images=2_000, mse=0.0018)
        for name in ("mnist", "fashion_mnist")
        for seed in seeds
    ]
    for dataset in ("mnist", "fashion_mnist"):
        for tokenizer, factor in _FACTORS.items():
            for seed in seeds:
                for refit in (False, True):
                    for search in ("own", "joint"):
                        level = factor * (1 + 0.05 * seed) * (_REFIT if refit else 1.0)
                        level *= _TOGETHER if search == "joint" else 1.0
                        found += _line(dataset, tokenizer, seed, search, refit, 0.02 * level)
    return found


def _line(dataset: str, tokenizer: str, seed: int, search: str, refit: bool, level: float) -> list[StudyRow]:
    sizes = (16, 32, 64, 128, 256)
    return [
        StudyRow(
            cell=f"{dataset}-{tokenizer}-{seed}-{search}-{refit}-{k}",
            dataset=dataset,
            seed=seed,
            tokenizer=tokenizer,
            n_codes=k,
            search=search,
            refit=refit,
            n_images=2_000,
            bits_per_token=float(np.log2(k)) * 0.9,
            mse=level * 2.0 ** (-0.6 * np.log2(k)),
        )
        for k in sizes
    ]
