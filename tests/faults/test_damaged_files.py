"""Bytes flipped and files cut short in every file of a run: one sentence each, no traceback, nothing wrong believed."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from geovq.errors import GeovqError
from geovq.geometry import load_geometry
from geovq.models import load_model
from geovq.runs import list_runs, open_run
from geovq.runs.manifest import read_manifest
from geovq.runs.metrics import read_metrics
from geovq.runs.process.status import read_status
from geovq.tokenization import load_tokenizer

_N_DAMAGES = 12  # of each file
_BOOKS = ("config.yaml", "manifest.json", "metrics.jsonl", "status.json")  # whose content no digest guards
# How each kind of file is read, by the folder or the name of the file.
_READERS: dict[str, Callable[[Path], object]] = {
    "geometry.safetensors": load_geometry,
    "tokenizers": load_tokenizer,
    "vae.safetensors": load_model,
    "vqvae.safetensors": load_model,
    "decoders": load_model,
    "priors": load_model,
}


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "outputs" / tiny_run.parent.name / tiny_run.name
    shutil.copytree(tiny_run, path)
    return path


def damages(content: bytes, seed: int) -> Iterator[bytes]:
    """Other contents: cut short, single bytes changed, a stretch of zeros, some of them in the head of the file."""
    draw = np.random.default_rng(seed)
    yield b""
    yield content[: len(content) // 2]
    yield content[:-1]
    yield content + b"\0"
    for i in range(_N_DAMAGES - 4):
        changed = bytearray(content)
        end = len(content) if i % 2 else min(len(content), 200)
        at = int(draw.integers(end))
        changed[at] ^= int(draw.integers(1, 256))
        if i % 4 == 3:
            changed[at : at + 64] = bytes(len(changed[at : at + 64]))
        if bytes(changed) != content:
            yield bytes(changed)


def files_of(path: Path) -> list[str]:
    manifest = read_manifest(path)
    assert manifest is not None
    return sorted({file for stage in manifest.stages.values() for file in stage.files})


def read_all(path: Path) -> None:
    """Everything that can be read of a run, by name."""
    run = open_run(path)
    run.metrics()
    for parts in (run.models, run.tokenizers, run.decoders, run.priors, run.measurements):
        for name in parts:
            parts[name]
    run.geometry()
    for name in run.tokenizers:
        run.tokens(name, "test")
    for name in run.priors:
        run.samples(name)


def test_the_run_itself_can_be_read(copy: Path) -> None:
    read_all(copy)


def test_no_damaged_file_is_believed(copy: Path) -> None:
    """Whatever was changed, the run says which file it is and what brings it back."""
    files = files_of(copy)
    n_damages = 0
    for number, file in enumerate(files):
        content = (copy / file).read_bytes()
        for damaged in damages(content, number):
            (copy / file).write_bytes(damaged)
            with pytest.raises(GeovqError, match=r"is damaged .*makes it again") as caught:
                open_run(copy).verify()
            assert str(copy / file) in str(caught.value)
            n_damages += 1
        (copy / file).write_bytes(content)
    assert n_damages >= 10 * len(files)
    read_all(copy)


@pytest.mark.slow
def test_readers_of_files_answer_damage_with_one_sentence(copy: Path) -> None:
    """Without a manifest, as for a file that somebody brings: an error of ours, or something of the right kind."""
    for number, file in enumerate(files_of(copy)):
        reader = _READERS.get(file, _READERS.get(file.partition("/")[0]))
        if reader is None:
            continue
        kind = type(reader(copy / file))
        content = (copy / file).read_bytes()
        for damaged in damages(content, number):
            (copy / file).write_bytes(damaged)
            with contextlib.suppress(GeovqError):
                assert type(reader(copy / file)) is kind
        (copy / file).write_bytes(content)


@pytest.mark.parametrize("file", _BOOKS)
def test_damaged_books_of_a_run_hide_nothing_and_raise_nothing(file: str, copy: Path) -> None:
    """The list still has the run, with what is wrong with it; whoever opens it gets one sentence."""
    content = (copy / file).read_bytes()
    for damaged in damages(content, 0):
        (copy / file).write_bytes(damaged)
        (summary,) = list_runs(copy.parents[1], shipped=False)
        assert summary.path == copy
        with contextlib.suppress(GeovqError):
            read_all(copy)
        with contextlib.suppress(GeovqError):
            read_status(copy)
        with contextlib.suppress(GeovqError):
            read_metrics(copy)
