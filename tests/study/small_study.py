"""A small study on the embedded digits: its settings and cells."""

from pathlib import Path

import yaml

from geovq.study.cells import Cell, plan_cells
from geovq.study.settings import load_study
from tests.conftest import TINY

EXPERIMENT = {key: value for key, value in TINY.items() if key not in ("tokenizers", "refits", "priors", "evaluation")}
STUDY = {
    "experiments": ["tiny.yaml"],
    "seeds": [0],
    "tokenizers": {"kmeans": [4, 8], "weighted": [8], "vqvae": [8]},
    "own": {"n_images": 40},
    "joint": {"tokenizers": ["weighted"], "bit_prices": [0.01], "n_images": 20, "n_price_images": 20},
    "refits": {"tokenizers": ["weighted", "vqvae"], "n_codes": [8], "bit_prices": [0.01], "n_images": 40},
    "priors": {"points": [{"tokenizer": "weighted", "n_codes": 8}], "n_images": 40},
    "ablation": [
        {"name": "one context", "tokenizer": "weighted", "n_codes": 8, "changes": ["geometry.n_context=1"]},
        {"name": "free bits", "tokenizer": "weighted", "n_codes": 8, "changes": ["codebook.bit_price=0"]},
    ],
}


def write_study(folder: Path, **changes: object) -> Path:
    """Settings of a small study and of its experiment; the file of the study."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(EXPERIMENT, sort_keys=False))
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    return file


def cells_of(file: Path) -> dict[str, Cell]:
    """Cells of a study by name."""
    return {cell.name: cell for cell in plan_cells(load_study(file), file.parent)}
