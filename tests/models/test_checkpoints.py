import pytest
import torch
from torch import nn

from geovq.artifacts import read_safetensors, write_safetensors
from geovq.config import PriorConfig, VAEConfig, VQVAEConfig
from geovq.errors import ArtifactError, InvalidValueError
from geovq.models import (
    ImageClassifier,
    LatticeDecoder,
    LatticePrior,
    LatticeVAE,
    LatticeVQVAE,
    PlainVQVAE,
    architecture_of,
    initialised,
    load_model,
    save_model,
)

BUILDERS = {
    "vae": lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4)),
    "vqvae": lambda: LatticeVQVAE(VQVAEConfig(latent_channels=3, width=4), n_codes=5),
    "vqvae-plain": lambda: PlainVQVAE(VQVAEConfig(latent_channels=3, width=4), n_codes=5),
    "prior": lambda: LatticePrior(PriorConfig(n_layers=1, n_heads=2, width=8), n_codes=5, height=2, width=3),
    "conditional prior": lambda: LatticePrior(
        PriorConfig(n_layers=1, n_heads=2, width=8, class_conditional=True),
        n_codes=5,
        height=2,
        width=3,
        class_counts=(3, 0, 4),
    ),
    "decoder": lambda: LatticeDecoder(latent_channels=3, width=4),
    "classifier": lambda: ImageClassifier(n_classes=5, width=3),
}


@pytest.fixture(params=list(BUILDERS))
def model(request):
    return initialised(BUILDERS[request.param], seed=0, stream="test")


def test_a_model_comes_back_whole_and_in_eval_mode(tmp_path, model):
    save_model(tmp_path / "model.safetensors", model)
    before = torch.get_rng_state()
    loaded = load_model(tmp_path / "model.safetensors")
    assert torch.equal(before, torch.get_rng_state())
    assert type(loaded) is type(model)
    assert not loaded.training
    assert architecture_of(loaded) == architecture_of(model)
    state, expected = loaded.state_dict(), model.state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_saving_twice_gives_the_same_bytes(tmp_path, model):
    for name in ("one", "two"):
        save_model(tmp_path / name, model)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_unknown_class_is_refused(tmp_path):
    with pytest.raises(
        InvalidValueError,
        match="knows LatticeVAE, LatticeVQVAE, PlainVQVAE, LatticeDecoder, LatticePrior, ImageClassifier; got",
    ):
        save_model(tmp_path / "model", nn.Linear(1, 1))


def test_weights_of_another_architecture_are_refused(tmp_path, model):
    path = tmp_path / "model"
    save_model(path, model)
    tensors, metadata = read_safetensors(path, "model", 1)
    architecture = metadata["architecture"]
    architecture.get("config", architecture)["width"] *= 2
    write_safetensors(path, tensors, kind="model", format=1, metadata={"architecture": architecture})
    with pytest.raises(ArtifactError, match=r"model does not describe a model .*size mismatch.*geovq run"):
        load_model(path)


@pytest.mark.parametrize(
    "metadata", [{}, {"architecture": {"model": "gan"}}, {"architecture": {"model": "vae", "config": {"depth": 1}}}]
)
def test_unknown_architectures_are_refused(tmp_path, metadata):
    write_safetensors(tmp_path / "model", {}, kind="model", format=1, metadata=metadata)
    with pytest.raises(ArtifactError, match="does not describe a model that can be built"):
        load_model(tmp_path / "model")


def test_a_file_of_another_kind_is_refused(tmp_path):
    write_safetensors(tmp_path / "x", {}, kind="tokenizer", format=1)
    with pytest.raises(ArtifactError, match="is a tokenizer of format 1, where a model of format 1 is needed"):
        load_model(tmp_path / "x")
