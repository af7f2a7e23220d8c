import pytest
import torch
from torch import nn

from geovq.artifacts import read_safetensors, write_safetensors
from geovq.config import PriorConfig, VAEConfig, VQVAEConfig
from geovq.errors import ArtifactError, InvalidValueError
from geovq.models import (
    FSQVAE,
    ImageClassifier,
    LatticeDecoder,
    LatticePrior,
    LatticeVAE,
    LatticeVQVAE,
    PlainVQVAE,
    SimVQVAE,
    architecture_of,
    initialised,
    load_model,
    save_model,
)
from tests.shapes import COLOUR_TRUNK, IMAGE_SHAPE, TRUNK

BUILDERS = {
    "vae": lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *TRUNK),
    "vqvae": lambda: LatticeVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *TRUNK),
    "vqvae-plain": lambda: PlainVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *TRUNK),
    "fsq": lambda: FSQVAE(VQVAEConfig(width=4), 60, *TRUNK),
    "simvq": lambda: SimVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *TRUNK),
    "prior": lambda: LatticePrior(PriorConfig(n_layers=1, n_heads=2, width=8), n_codes=5, height=2, width=3),
    "conditional prior": lambda: LatticePrior(
        PriorConfig(n_layers=1, n_heads=2, width=8, class_conditional=True),
        n_codes=5,
        height=2,
        width=3,
        class_counts=(3, 0, 4),
    ),
    "decoder": lambda: LatticeDecoder(latent_channels=3, width=4, n_channels=1, n_halvings=2),
    "classifier": lambda: ImageClassifier(5, IMAGE_SHAPE, width=3),
    "colour vae": lambda: LatticeVAE(VAEConfig(latent_channels=3, width=4), *COLOUR_TRUNK),
    "colour vqvae": lambda: LatticeVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *COLOUR_TRUNK),
    "colour vqvae-plain": lambda: PlainVQVAE(VQVAEConfig(latent_channels=3, width=4), 5, *COLOUR_TRUNK),
    "colour decoder": lambda: LatticeDecoder(latent_channels=3, width=4, n_channels=3, n_halvings=3),
    "colour classifier": lambda: ImageClassifier(5, COLOUR_TRUNK[0], width=3),
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


@pytest.mark.parametrize("name", ["vae", "vqvae", "vqvae-plain", "decoder", "classifier"])
def test_a_file_that_says_no_shape_holds_a_model_of_grey_images_of_28_by_28(tmp_path, name):
    model = initialised(BUILDERS[name], seed=0, stream="test")
    save_model(tmp_path / "model", model)
    _, metadata = read_safetensors(tmp_path / "model", "model", 1)
    assert not {"image_shape", "n_channels", "n_halvings"} & set(metadata["architecture"])


@torch.no_grad()
def test_a_file_that_says_a_shape_holds_a_model_of_such_images(tmp_path):
    image_shape, n_halvings = COLOUR_TRUNK
    for name in ("colour vae", "colour decoder", "colour classifier"):
        save_model(tmp_path / name, BUILDERS[name]())
    vae, decoder, classifier = (load_model(tmp_path / f"colour {name}") for name in ("vae", "decoder", "classifier"))
    images = torch.zeros(2, *image_shape)
    assert vae.encode(images).shape == (2, 3, image_shape.height >> n_halvings, image_shape.width >> n_halvings)
    assert decoder(vae.encode(images)).shape == images.shape
    assert classifier(images).shape == (2, 5)


def test_saving_twice_gives_the_same_bytes(tmp_path, model):
    for name in ("one", "two"):
        save_model(tmp_path / name, model)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_unknown_class_is_refused(tmp_path):
    with pytest.raises(
        InvalidValueError,
        match="knows LatticeVAE, LatticeVQVAE, PlainVQVAE, FSQVAE, SimVQVAE, LatticeDecoder, LatticePrior, Image",
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
