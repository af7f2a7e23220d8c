"""Everything that runs on a GPU, on one that is not there: no operation has tensors on two devices.

Backward passes need a driver; their operations are on the devices of those that they differentiate.
"""

import contextlib

import pytest
import torch
from torch import Tensor, nn

from geovq.config import PriorConfig
from geovq.data import ImageSet
from geovq.doctor import chain
from geovq.models import ImageClassifier, LatticeDecoder, LatticePrior, initialised
from geovq.randomness import make_generator
from geovq.tokenization import search_jointly
from geovq.tokenization.gaussian import gaussian_codebook, gaussian_codes
from geovq.tokenization.search.prior_prices import prior_prices
from geovq.training import ClassifierObjective, Draws, LabelledImages, QuantizedImages, RefitObjective
from geovq.training.averaging import WeightAverage
from geovq.training.objective import Batch, Objective
from tests.fake_cuda import CPU, CUDA, fake_cuda, real
from tests.shapes import TRUNK
from tests.training.cases import CASES, images

WITHOUT_BACKWARD = [stage for stage in chain.STAGES if " step " not in stage.name]
TRAINED = [*(case for case in CASES if case != "prior"), "refit", "classifier"]  # dropout draws from the device


@pytest.fixture(scope="module")
def subject() -> chain.Subject:
    return chain.make_subject()


@pytest.mark.parametrize(
    "mixed",
    [
        lambda here, there: here + there,
        lambda here, there: here @ there,
        lambda here, there: torch.cat([here, there]),
        lambda here, there: there.copy_(there).add_(here),
        lambda here, there: here[there.long()],
        lambda here, there: torch.where(there > 0, here, here),
        lambda here, there: torch.func.jvp(torch.sin, (here,), (there,)),
    ],
)
def test_two_devices_in_one_operation_are_refused(mixed, monkeypatch) -> None:
    with fake_cuda(monkeypatch):
        here, there = torch.eye(2), torch.eye(2, device="cuda")
        with pytest.raises(RuntimeError, match="found two different devices"):
            mixed(here, there)


def test_values_are_those_of_the_cpu_and_devices_are_kept(monkeypatch) -> None:
    with fake_cuda(monkeypatch):
        there = torch.arange(6.0).to("cuda")
        there[there > 3] = 0  # the number of places follows from values
        assert there.device == CUDA
        assert there.cpu().device == CPU
        assert there.tolist() == [0, 1, 2, 3, 0, 0]
        assert there[torch.tensor([1, 2])].device == CUDA  # indices may be on the CPU
        assert (2 * there.sum()).device == CUDA
        assert float(there.sum()) == 6
        assert torch.zeros_like(there).device == torch.empty(1, device=CUDA).device == CUDA


@pytest.mark.parametrize("stage", WITHOUT_BACKWARD, ids=lambda stage: stage.name)
def test_a_stage_of_the_chain_mixes_no_devices_and_gives_what_the_cpu_gives(stage, subject, monkeypatch) -> None:
    expected = stage.compute(subject, CPU)
    with fake_cuda(monkeypatch):
        found = real(stage.compute(subject, CUDA))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"prices": "context"}, {"exact": True}, {"prices": "prior"}], ids=str)
def test_every_way_of_the_joint_search_mixes_no_devices(options, subject, monkeypatch) -> None:
    def search(device: torch.device) -> Tensor:
        given = dict(options)
        if given.get("prices") == "prior":
            given["prices"] = prior_prices(initialised(tiny_prior, 0, "prior").eval().to(device))
        decode = initialised(lambda: LatticeDecoder.of(subject.vae), 0, "decoder").eval().to(device).decode
        lattices = subject.lattices[:2].to(device)
        found = search_jointly(decode, subject.tokenizers["kmeans"], lattices, precision="float32", **given)
        assert found.tokens.device == lattices.device
        return torch.cat([found.tokens.flatten().double(), found.error_after, found.bits_after.double()])

    expected = search(CPU)
    with fake_cuda(monkeypatch):
        found = real(search(CUDA))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_codes_of_the_gaussian_codebook_mix_no_devices(monkeypatch) -> None:
    mean, logvar = torch.randn(2, 50, 3, generator=make_generator(0, "cells"))
    codebook = gaussian_codebook(8, 3)
    expected = gaussian_codes(mean, logvar, codebook)[0]
    with fake_cuda(monkeypatch):
        found = real(gaussian_codes(mean.to(CUDA), logvar.to(CUDA), codebook.to(CUDA))[0])
    assert torch.equal(found, expected)


@pytest.mark.parametrize("case", TRAINED)
def test_the_loss_of_a_training_step_mixes_no_devices(case, subject, monkeypatch) -> None:
    expected = losses(case, subject, CPU)
    with fake_cuda(monkeypatch):
        # Seeds of the device's own generator, which dropout takes.
        monkeypatch.setattr("geovq.training.prior_objective.global_draws", lambda *_: contextlib.nullcontext())
        found = real(losses(case, subject, CUDA))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def losses(case: str, subject: chain.Subject, device: torch.device) -> Tensor:
    """Losses of a step in training mode, of the next one, and of an evaluation, with averaged weights."""
    model, objective, batch = trained(case, subject)
    model = model.to(device)
    batch = batch.to(device) if isinstance(batch, Tensor) else tuple(None if p is None else p.to(device) for p in batch)
    average = WeightAverage(model, 0.9)
    steps = [objective.loss(model.train(), batch, Draws(make_generator(0, f"step {i}")))[0] for i in range(2)]
    average.update(1)
    with average.in_place(), torch.no_grad():
        measured = objective.evaluate(model.eval(), [batch])
    return torch.stack([*(step.detach().cpu() for step in steps), torch.tensor(measured["loss"])])


def trained(case: str, subject: chain.Subject) -> tuple[nn.Module, Objective, Batch]:
    few = torch.arange(8)
    if case == "refit":
        examples = QuantizedImages(subject.images, subject.tokens, subject.tokenizers["riemannian"].codebook)
        return LatticeDecoder.of(subject.vae), RefitObjective(), examples.batch(few)
    if case == "classifier":
        noise: ImageSet = images(8, "train")
        model = initialised(lambda: ImageClassifier(3, TRUNK[0]), 0, "classifier")
        return model, ClassifierObjective(max_shift=2), LabelledImages(noise).batch(few)
    build, objective, make = CASES[case]
    return initialised(build, 0, case), objective, make(8, "train").batch(few)  # type: ignore[return-value]


def tiny_prior() -> LatticePrior:
    return LatticePrior(PriorConfig(n_layers=1, n_heads=2, width=8, dropout=0.0), 8, 7, 7)
