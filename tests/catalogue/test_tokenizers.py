"""Every description leads to what it names, and a description is all that a new tokenizer needs besides its fit."""

import inspect
import subprocess
import sys
import textwrap

import pytest

from geovq.catalogue.references import named_object
from geovq.catalogue.tokenizers import END_TO_END, POST_HOC, TOKENIZERS
from geovq.config import VQVAEConfig
from geovq.models import LatticeVQVAE
from geovq.tokenization.base import Fit


def in_a_fresh_interpreter(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_is_either_fitted_or_trained_and_says_how_its_file_is_read(name: str) -> None:
    assert (name in POST_HOC) != (name in END_TO_END)
    stored = named_object(TOKENIZERS[name].stored_as)
    assert isinstance(stored.ENCODING, str)
    assert callable(stored.from_file)


@pytest.mark.parametrize("name", POST_HOC)
def test_fit_functions_take_what_all_fits_take(name: str) -> None:
    expected = list(inspect.signature(Fit.__call__).parameters)[1:]  # without self
    assert list(inspect.signature(named_object(TOKENIZERS[name].fit)).parameters) == expected


@pytest.mark.parametrize("name", END_TO_END)
def test_trained_ones_name_a_model_and_settings_that_exist(name: str) -> None:
    assert issubclass(named_object(TOKENIZERS[name].autoencoder), LatticeVQVAE)
    assert TOKENIZERS[name].unused_settings <= set(VQVAEConfig.model_fields)


def test_reading_the_tables_loads_no_library() -> None:
    loaded = in_a_fresh_interpreter("""
        import sys
        import geovq.catalogue.output_geometries, geovq.catalogue.tokenizers
        print(*[name for name in ("numpy", "torch", "pydantic", "streamlit", "plotly") if name in sys.modules])
    """)
    assert loaded.strip() == ""


def test_a_description_and_a_fit_are_all_that_a_new_tokenizer_needs() -> None:
    """Settings, stages, time estimate, fitting, files and figures know it."""
    said = in_a_fresh_interpreter("""
        import pathlib, tempfile
        from dataclasses import replace
        from geovq.catalogue import tokenizers
        twin = replace(tokenizers.TOKENIZERS["kmeans"], name="twin", label="Twin")
        tokenizers.TOKENIZERS["twin"] = twin
        tokenizers.POST_HOC += ("twin",)

        import torch
        import geovq
        from geovq.config import parse_config
        from geovq.runs.estimates import stage_work
        from geovq.runs.stages.plan import plan
        from geovq.viz import tokenizer_style

        config = parse_config({"tokenizers": ["twin"], "priors": ["twin"], "refits": ["twin"]})
        assert stage_work(config, "tokenizer:twin").amount > 0
        assert {"tokenizer:twin", "prior:twin", "refit:twin"} <= {stage.name for stage in plan(config)}
        lattices = torch.randn(20, 2, 4, 4, generator=torch.Generator().manual_seed(0))
        sizes = {"n_codes": 4, "n_landmarks": 100, "n_neighbors": 5, "n_images": 20}
        settings = geovq.DiscretizationConfig(method="twin", **sizes)
        made = geovq.discretize(torch.nn.Identity().eval(), lattices, settings)
        path = pathlib.Path(tempfile.mkdtemp()) / "twin.safetensors"
        made.save(path)
        read = geovq.load_tokenizer(path)
        assert torch.equal(read.encode(lattices), made.encode(lattices))
        print(read.method, tokenizer_style("twin").label)
    """)
    assert said.split() == ["twin", "Twin"]
