"""A notebook that repeats a run through the public interface and compares what comes out with the run's own files.

The format is Jupyter's (nbformat 4.5), written by hand: a list of cells with their text.
"""

import json
from typing import Any, Literal

from geovq.catalogue.tokenizers import POST_HOC
from geovq.config.reading import dump_config
from geovq.runs import Run
from geovq.version import __version__

_FORMAT, _MINOR = 4, 5

_INTRODUCTION = """# Run {id}, repeated

This notebook repeats the run **{id}** (seed {seed}) through the public interface of
geovq {version}: it reads the trained autoencoder, makes the tokenizers anew from its decoder, tokenizes the held-out
images, and lays what comes out beside what the run has measured. With `TRAIN_ANEW = True` it trains the autoencoder
again first, which takes as long as the run took."""

_OPEN = """import subprocess
import sys
from pathlib import Path

import torch

import geovq

RUN = Path({folder!r})  # folder of the run
TRAIN_ANEW = False

CONFIG = {config!r}
if TRAIN_ANEW:
    Path("repeated.yaml").write_text(CONFIG, encoding="utf-8")
    RUN = Path("repeated")
    command = [sys.executable, "-m", "geovq", "run", "repeated.yaml", "--out", str(RUN)]
    subprocess.run(command, check=True)
run = geovq.open_run(RUN)
print(f"{{run.id}}, seed {{run.seed}}: tokenizers {{', '.join(run.tokenizers)}}")"""

_SETTINGS = """## Settings

All settings of the run are in `CONFIG`. These say what is compared:"""

_SHOW_SETTINGS = """for section in (run.config.data, run.config.vae, run.config.geometry, run.config.codebook):
    print(type(section).__name__, section.model_dump())"""

_IMAGES = """## Images and lattices

The geometry is measured on some training images; everything is judged on images that no model saw."""

_ENCODE = """from geovq.runs import experiment_images, images_of_geometry

train, held_out = experiment_images(run.config, "train"), experiment_images(run.config, "test")
chosen = images_of_geometry(run.config, len(train))


@torch.no_grad()
def lattices_of(model, images):
    return torch.cat([model.encode(part) for part in images.split(256)])


pixels = held_out.batch(torch.arange(len(held_out)))
lattices = {{name: lattices_of(run.autoencoder(name), pixels) for name in run.tokenizers}}
vae_lattices = lattices_of(run.models["vae"], train.batch(chosen))
print(f"{{len(vae_lattices)}} training lattices for the geometry, {{len(pixels)}} held-out images")"""

_TOKENIZERS = """## Tokenizers, made anew

`geovq.discretize` needs a decoder and lattices, nothing else. Tokenizers that are trained with an autoencoder of their
own are taken from the run."""

_DISCRETIZE = """tokenizers = {{name: run.tokenizers[name] for name in run.tokenizers}}
for name in {post_hoc!r}:
    tokenizers[name] = geovq.discretize(run.models["vae"].decode, vae_lattices, run.config.discretization(name))
print({{name: tokenizer.n_codes for name, tokenizer in tokenizers.items()}})"""

_MEASURE = """## Rate and error, beside what the run has measured

On another machine sums are rounded otherwise, so that codes may differ; rate and error should hardly. A run whose
tokens were chosen together (`joint`) has lower errors than these, which are by each tokenizer's own rule."""

_COMPARE = """from geovq.evaluation import reconstruction, token_usage


@torch.no_grad()
def decoded(name, tokens):
    parts = tokenizers[name].decode(tokens).split(256)
    return torch.cat([run.autoencoder(name).decode(part) for part in parts])


print(f"{{'tokenizer':12}} {{'bits/token':>12}} {{'in the run':>12}} {{'MSE':>12}} {{'in the run':>12}}")
repeated = {{}}
for name, tokenizer in tokenizers.items():
    tokens = tokenizer.encode(lattices[name])
    bits = token_usage(tokens.numpy(), tokenizer.n_codes).entropy_bits
    mse = float(reconstruction(pixels, decoded(name, tokens)).per_image_mse.mean())
    repeated[name] = bits, mse
    before = run.measurements[name] if name in run.measurements else {{}}
    old = [f"{{before[key]:12.5f}}" if key in before else f"{{'-':>12}}" for key in ("entropy_bits", "mse")]
    print(f"{{name:12}} {{bits:12.5f}} {{old[0]}} {{mse:12.5f}} {{old[1]}}")"""

_JOINT = """## Tokens chosen together

The same tokenizers, with all cells of an image chosen together (`geovq.search_jointly`) for the first images."""

_SEARCH = """n = min({n_joint}, len(pixels))
for name, tokenizer in tokenizers.items():
    model = run.autoencoder(name)
    found = geovq.search_jointly(model.decode, tokenizer, lattices[name][:n], pixels[:n])
    print(f"{{name}}: {{found.sentence()}}")"""

_LOOK = """## A look

Held-out images above, what each tokenizer makes of them below (needs `pip install "geovq[app]"`)."""

_PICTURES = """import numpy as np

from geovq.viz import grey_tiles, mosaic_figure

rows = {{"original": pixels[:12]}}
rows |= {{name: decoded(name, tokenizers[name].encode(lattices[name][:12])) for name in tokenizers}}
tiles = np.stack([grey_tiles(images[:, 0].numpy()) for images in rows.values()])
mosaic_figure(tiles, row_labels=list(rows))"""

_N_JOINT = 32  # images whose tokens are chosen together


def run_notebook(run: Run) -> str:
    """The text of an `.ipynb` file that repeats a run.

    Parameters
    ----------
    run : Run
        With a trained VAE and tokenizers; the notebook reads its folder.
    """
    values = {
        "id": run.id,
        "seed": run.seed,
        "version": __version__,
        "folder": str(run.path),
        "config": dump_config(run.config),
        "post_hoc": [name for name in run.tokenizers if name in POST_HOC],
        "n_joint": _N_JOINT,
    }
    texts: tuple[tuple[Literal["markdown", "code"], str], ...] = (
        ("markdown", _INTRODUCTION),
        ("code", _OPEN),
        ("markdown", _SETTINGS),
        ("code", _SHOW_SETTINGS),
        ("markdown", _IMAGES),
        ("code", _ENCODE),
        ("markdown", _TOKENIZERS),
        ("code", _DISCRETIZE),
        ("markdown", _MEASURE),
        ("code", _COMPARE),
        ("markdown", _JOINT),
        ("code", _SEARCH),
        ("markdown", _LOOK),
        ("code", _PICTURES),
    )
    cells = [_cell(f"cell-{place}", kind, text.format(**values)) for place, (kind, text) in enumerate(texts)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": _FORMAT,
        "nbformat_minor": _MINOR,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
