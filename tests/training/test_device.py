import pytest
import torch

from geovq.errors import DeviceError
from geovq.training import resolve_device
from geovq.training.device import resolve_precision, training_numerics


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.mark.usefixtures("no_gpu")
def test_auto_is_the_cpu_without_a_gpu():
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")


def test_auto_is_the_first_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match="'cuda:2' was asked for, but 2 CUDA devices are visible here"):
        resolve_device("cuda:2")


def test_each_process_of_a_group_has_its_own_gpu(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == resolve_device("cuda") == resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match="'cuda:0' is one GPU for several processes; set device to auto, cuda or cpu"):
        resolve_device("cuda:0")
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("no_gpu")
def test_an_absent_gpu_is_an_error_with_the_remedy():
    with pytest.raises(
        DeviceError, match="'cuda' was asked for, but no CUDA device is visible here; set device to auto"
    ):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x"])
def test_unknown_names_are_refused(name):
    with pytest.raises(DeviceError, match=f"must be auto, cpu, cuda, cuda:N or mps; got '{name}'"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16-mixed"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bf16-mixed"),
        ({"avx512_bf16": False, "avx512_f": True}, "32-true"),
        ({"neon": True, "bf16": True}, "32-true"),
    ],
)
def test_auto_precision_of_a_processor_is_bfloat16_only_where_it_has_instructions(monkeypatch, capabilities, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert resolve_precision("auto", torch.device("cpu")) == precision
    for named in ("32-true", "bf16-mixed"):
        assert resolve_precision(named, torch.device("cpu")) == named


def test_auto_precision_is_float32_where_pytorch_does_not_say_what_a_processor_can(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert resolve_precision("auto", torch.device("cpu")) == "32-true"


def numerics():
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.deterministic


def test_only_on_a_gpu_products_are_rounded_and_only_while_training():
    before = numerics()
    with training_numerics(torch.device("cpu")):
        assert numerics() == before
    with training_numerics(torch.device("cuda", 0)):
        assert numerics() == ("high", True)
    assert numerics() == before
