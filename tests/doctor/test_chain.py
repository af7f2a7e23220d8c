"""The chain finds what a device does wrong, and says when there is no such device."""

import pytest
import torch

from geovq.doctor import chain
from geovq.doctor.finding import Verdict

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def subject() -> chain.Subject:
    return chain.make_subject()


@pytest.mark.parametrize("stage", chain.STAGES, ids=lambda stage: stage.name)
def test_a_device_that_computes_the_same_is_ok(stage: chain.Stage, subject: chain.Subject) -> None:
    first, again = stage.compute(subject, CPU), stage.compute(subject, CPU)
    assert torch.equal(first, again)  # nothing that a stage is given is changed
    assert first.norm() > 0
    assert chain.compared(stage, subject, CPU).verdict is Verdict.OK


def wrong_there(stage: chain.Stage, result) -> chain.Stage:
    """The stage on a device that computes something else."""
    return stage._replace(compute=lambda subject, device: result(stage.compute(subject, CPU), device.type == "meta"))


@pytest.mark.parametrize("stage", chain.STAGES, ids=lambda stage: stage.name)
def test_a_result_that_is_off_by_a_tenth_or_not_finite_is_a_problem(stage: chain.Stage, subject: chain.Subject) -> None:
    for factor in (1.1, float("nan")):
        bad = wrong_there(stage, lambda right, is_there, factor=factor: right * factor if is_there else right)
        found = chain.compared(bad, subject, torch.device("meta"))
        assert found.verdict is Verdict.PROBLEM
        assert stage.name in found.sentence


def test_an_error_of_the_driver_is_a_problem_in_one_line(subject: chain.Subject) -> None:
    def fail(right: torch.Tensor, is_there: bool) -> torch.Tensor:
        if is_there:
            raise RuntimeError("CUDA error: no kernel image is available\nCompile with TORCH_USE_CUDA_DSA")
        return right

    found = chain.compared(wrong_there(chain.STAGES[0], fail), subject, torch.device("meta"))
    assert found.verdict is Verdict.PROBLEM
    assert "no kernel image is available)." in found.line()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("stage", chain.STAGES, ids=lambda stage: stage.name)
def test_the_gpu_computes_what_the_cpu_does(stage: chain.Stage, subject: chain.Subject) -> None:
    found = chain.compared(stage, subject, torch.device("cuda"))
    assert found.verdict is Verdict.OK, found.sentence
