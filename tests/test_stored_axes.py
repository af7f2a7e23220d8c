"""Files whose arrays do not fit each other are named, not read out of bounds."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from geovq.errors import ArtifactError
from geovq.geometry import load_geometry
from geovq.tokenization import load_tokenizer


def rewritten(source, target, name, change):
    """A copy of a file with one tensor changed and nothing else."""
    with safe_open(source, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
        metadata = file.metadata()
    assert json.loads(metadata["geovq"])
    save_file({**tensors, name: change(tensors[name]).contiguous()}, target, metadata=metadata)
    return target


def shorter(values):
    return values[:-1]


def beyond(values):
    return values + 10**6


def negative(values):
    return values - 10**6


def broken(values):
    return torch.full_like(values, torch.nan)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("label", shorter), ("label", beyond), ("label", negative), ("label", lambda v: v.float()),
        ("metrics", shorter), ("metrics", lambda v: v[:, :-1]), ("metrics", broken),
        ("landmarks", shorter), ("landmarks", lambda v: v[:, :-1]), ("landmarks", lambda v: v.long()),
        ("distance_to_medoid", shorter), ("subspace.basis", lambda v: v[:, :-1]), ("subspace.mean", shorter),
        ("codebook", shorter), ("codebook", lambda v: v[0]), ("medoid_indices", beyond), ("medoid_history", beyond),
    ],
)  # fmt: skip
def test_a_landmark_tokenizer_whose_arrays_do_not_fit_is_damaged(tiny_run, tmp_path, name, change):
    path = rewritten(tiny_run / "tokenizers" / "riemannian.safetensors", tmp_path / "x.safetensors", name, change)
    with pytest.raises(ArtifactError, match=r"x\.safetensors is damaged \(.+\); make it again"):
        load_tokenizer(path)


@pytest.mark.parametrize("change", [lambda v: v[0], broken, lambda v: v.long()])
def test_a_codebook_that_is_none_is_damaged(tiny_run, tmp_path, change):
    path = rewritten(tiny_run / "tokenizers" / "kmeans.safetensors", tmp_path / "x.safetensors", "codebook", change)
    with pytest.raises(ArtifactError, match=r"x\.safetensors is damaged"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("graph.tails", beyond), ("graph.heads", shorter), ("graph.heads", negative), ("landmark_indices", beyond),
        ("landmark_indices", shorter), ("cell_metrics", shorter), ("metrics", broken), ("lattices", lambda v: v[0]),
        ("subspace.basis", lambda v: v[:, :-1]),
    ],
)  # fmt: skip
def test_a_geometry_whose_arrays_do_not_fit_is_damaged(tiny_run, tmp_path, name, change):
    path = rewritten(tiny_run / "geometry.safetensors", tmp_path / "x.safetensors", name, change)
    with pytest.raises(ArtifactError, match=r"x\.safetensors is damaged \(.+\); make it again"):
        load_geometry(path)
