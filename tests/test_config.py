import dataclasses
from pathlib import Path
from typing import TypeGuard

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from geovq.catalogue.datasets import DATASETS, ImageShape
from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES
from geovq.catalogue.tokenizers import POST_HOC, TOKENIZERS
from geovq.config import (
    DiscretizationConfig,
    ExperimentConfig,
    GeometryConfig,
    choices,
    dump_config,
    load_config,
    parse_config,
)
from geovq.errors import ConfigError, GeovqError

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "study.yaml")  # which is no experiment


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_layers_lie_over_each_other(tmp_path):
    write(tmp_path / "global.yaml", "seed: 1\nvae: {beta: 0.2, width: 8}\n")
    config = load_config(write(tmp_path / "x.yaml", "vae: {beta: 0.3}\n"), ["vae_training.epochs=2", "seed=9"])
    assert (config.vae.width, config.vae.beta) == (8, 0.3)  # global.yaml, then the file
    assert (config.vae_training.epochs, config.seed) == (2, 9)  # then the overrides
    assert config.vae.latent_channels == ExperimentConfig().vae.latent_channels  # over the defaults


def test_global_yaml_is_not_laid_over_itself(tmp_path):
    assert load_config(write(tmp_path / "global.yaml", "seed: 5\n")).seed == 5


def test_an_empty_file_means_the_defaults(tmp_path):
    assert load_config(write(tmp_path / "x.yaml", "# nothing\n")) == ExperimentConfig()


def test_a_written_config_is_complete_and_reads_back(tmp_path):
    config = parse_config({"name": "a", "tokenizers": ["kmeans"], "priors": [], "data": {"n_train": 500}})
    text = dump_config(config)
    assert load_config(write(tmp_path / "x.yaml", text)) == config
    assert set(yaml.safe_load(text)["prior_training"]) == set(type(config.prior_training).model_fields)


def test_sections_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        ExperimentConfig().vae.beta = 1.0


def test_every_setting_says_what_it_means():
    undocumented = [
        f"{section.__name__}.{name}"
        for section in (ExperimentConfig, *_sections(ExperimentConfig), DiscretizationConfig)
        for name, field in section.model_fields.items()
        if not field.description and not _is_section(field.annotation)
    ]
    assert undocumented == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configs_load(path):
    config = load_config(path)
    assert config.data.dataset in DATASETS


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.name != "global.yaml"], ids=lambda path: path.name)
def test_shipped_configs_hold_differences_only(path):
    defaults = ExperimentConfig().model_dump(mode="json")
    repeated = _repeated(yaml.safe_load(path.read_text(encoding="utf-8")), defaults)
    assert set(repeated) <= {"data.dataset"}  # which images it is about is always said


def test_the_cells_of_a_lattice_are_those_of_the_data_set(monkeypatch):
    smaller = dataclasses.replace(DATASETS["mnist"], image_shape=ImageShape(3, 32, 24), n_halvings=3)
    monkeypatch.setitem(DATASETS, "mnist", smaller)
    values = {"geometry": {"n_images": 100, "n_landmarks": 1_201}}
    with pytest.raises(ConfigError, match=r"n_landmarks must be at most 1200, the cells of .* 100 lattices; got 1201"):
        parse_config(values)
    assert parse_config({"geometry": {"n_images": 100, "n_landmarks": 1_200}}).data.description is smaller


def test_shipped_configs_are_those_that_are_promised():
    names = {path.stem for path in CONFIGS}
    assert names >= {"global", "demo", "mnist", "fashion_mnist", "mnist_plane", "fashion_mnist_plane"}


def test_shipped_configs_do_not_share_a_run_folder():
    configs = [load_config(path) for path in CONFIGS if path.name != "global.yaml"]
    runs = [(config.data.dataset, config.name) for config in configs]
    assert len(set(runs)) == len(runs)


def test_the_demo_needs_no_download():
    assert load_config(CONFIGS[0].parent / "demo.yaml").data.dataset.endswith("-sample")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vea": {}}, "vea is not a setting; did you mean vae"),
        ({"vae": {"beat": 1}}, "vae.beat is not a setting; did you mean beta"),
        ({"sampling": {"zzz": 1}}, "sampling.zzz is not a setting; allowed are n_samples, temperature, top_p"),
        ({"vae": 3}, r"vae must .*; got 3"),
        ({"seed": "x"}, "seed must be a valid integer.*; got 'x'"),
        ({"vae": {"beta": -1}}, "vae.beta must be greater than or equal to 0; got -1"),
        ({"vae": {"beta": float("nan")}}, "vae.beta must be .*; got nan"),
        ({"sampling": {"top_p": 1.5}}, "sampling.top_p must be less than or equal to 1; got 1.5"),
        ({"data": {"dataset": "cifar"}}, "data.dataset must be 'mnist', 'fashion_mnist'.*; got 'cifar'"),
        (
            {"codebook": {"solver": "clara"}},
            "codebook.solver must be 'auto', 'fasterpam', 'graph-lloyd'.*; got 'clara'",
        ),
        (
            {"codebook": {"choose_by": "elbow"}},
            "codebook.choose_by must be 'n_codes', 'silhouette' or 'rate'; got 'elbow'",
        ),
        ({"codebook": {"target_rate_bits": 0}}, "codebook.target_rate_bits must be greater than 0; got 0"),
        ({"tokenizers": ["kmeens"]}, "tokenizers.0 must be 'kmeans'.*; got 'kmeens'"),
        ({"device": "gpu"}, "device must match .*; got 'gpu'"),
        ({"name": "../evil"}, "name must match .*; got '../evil'"),
        ({"vae": {"beta": -1}, "seed": -1}, r"and 1 more"),
    ],
)
def test_bad_values_are_named_in_one_sentence(values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(values, where="x.yaml")
    text = str(caught.value)
    assert text.startswith("x.yaml: ")
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"codebook": {"n_codes": 6000}}, "n_codes must be at most n_landmarks = 5000.*; got 6000"),
        ({"geometry": {"n_landmarks": 64, "n_neighbors": 64}}, "n_neighbors must be below n_landmarks = 64; got 64"),
        ({"geometry": {"n_images": 100}}, "n_landmarks must be at most 4900, the cells of .* 100 lattices; got 5000"),
        ({"data": {"n_train": 100}}, "n_landmarks must be at most 4900, the cells of data.n_train = 100 lattices"),
        (
            {"codebook": {"n_codes": 8, "choose_by": "rate", "target_rate_bits": 3.5}},
            r"target_rate_bits must be at most log2\(n_codes\) = 3, .*; got 3.5, so raise codebook.n_codes",
        ),
        (
            {"geometry": {"n_images": 2_000, "n_landmarks": 50_001}, "codebook": {"solver": "fasterpam"}},
            "n_landmarks must be at most 50000 with codebook.solver = fasterpam.*; got 50001, so set it to graph-lloyd",
        ),
        (
            {"geometry": {"n_images": 2_000, "n_landmarks": 50_001}, "tokenizers": ["prototype"], "priors": []},
            "n_landmarks must be at most 50000 with the prototype tokenizer.*; got 50001, so leave prototype out",
        ),
        ({"prior": {"width": 10, "n_heads": 4}}, "must be a multiple of prior.n_heads; got 10 and 4"),
        ({"tokenizers": ["kmeans"], "priors": ["riemannian"]}, "riemannian is not in kmeans"),
        ({"priors": ["kmeans", "kmeans"]}, "priors must not repeat a name; got kmeans, kmeans"),
        ({"tokenizers": ["kmeans", "kmeans"], "priors": []}, "tokenizers must not repeat a name; got kmeans, kmeans"),
    ],
)
def test_values_that_contradict_each_other_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(values)


def test_a_target_rate_is_a_limit_only_where_it_is_used():
    assert parse_config({"codebook": {"n_codes": 8}}).codebook.target_rate_bits > 3
    assert parse_config({"codebook": {"n_codes": 8, "choose_by": "rate", "target_rate_bits": 3}})


def test_a_million_landmarks_are_welcome_where_no_matrix_is_formed():
    geometry = {"n_images": 60_000, "n_landmarks": 1_000_000}
    for solver in ("auto", "graph-lloyd"):
        assert parse_config({"geometry": geometry, "codebook": {"solver": solver}})


def test_a_discretization_config_stands_alone_and_names_bad_values():
    config = DiscretizationConfig(method="riemannian", n_codes=64, n_landmarks=5000, n_neighbors=10, seed=0)
    assert (config.method, config.n_codes, config.n_context) == ("riemannian", 64, 32)
    with pytest.raises(ConfigError, match="n_codes must be at most n_landmarks = 5000"):
        DiscretizationConfig(n_codes=9000)
    with pytest.raises(ConfigError, match="n_code is not a setting; did you mean n_codes"):
        DiscretizationConfig(n_code=9)


def test_an_experiment_hands_its_settings_to_each_tokenizer():
    experiment = parse_config({"seed": 7, "codebook": {"n_codes": 32}, "geometry": {"n_neighbors": 12}})
    settings = experiment.discretization("euclidean")
    assert (settings.method, settings.seed, settings.n_codes, settings.n_neighbors) == ("euclidean", 7, 32, 12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"vae: [1\nseed: 2\n", r"is not valid YAML at line \d+: .* correct that line\.$"),
        (b"- vae\n", "must hold `section:` entries; got a list"),
        (b"just words\n", "must hold `section:` entries; got a str"),
        (b"name: \xff\n", "cannot be read .*; give a readable UTF-8 YAML file"),
        (b"!!python/object/apply:os.getcwd []\n", "is not valid YAML at line 1"),
    ],
)
def test_unreadable_files_are_named(tmp_path, content, message):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml does not exist; the shipped experiments are in configs/"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a folder; name a YAML file"):
        load_config(tmp_path)


@pytest.mark.parametrize("text", ["vae.beta", "=3", "", " =1"])
def test_overrides_have_a_key_and_a_value(tmp_path, text):
    with pytest.raises(ConfigError, match=r"must have the form section\.key=value"):
        load_config(write(tmp_path / "x.yaml", ""), [text])


def test_overrides_are_yaml(tmp_path):
    path = write(tmp_path / "x.yaml", "")
    config = load_config(path, ["tokenizers=[kmeans]", "priors=[]", "data.n_train=null", "vae.beta=1e-2"])
    assert (config.tokenizers, config.priors, config.data.n_train) == (("kmeans",), (), None)
    assert config.vae.beta == 0.01
    with pytest.raises(ConfigError, match=r"--set .name=\[a. is not valid YAML at line 1"):
        load_config(path, ["name=[a"])


def test_overrides_name_the_bad_key(tmp_path):
    path = write(tmp_path / "x.yaml", "")
    with pytest.raises(ConfigError, match=r"vae\.beat is not a setting; did you mean beta"):
        load_config(path, ["vae.beat=1"])
    with pytest.raises(ConfigError, match="seed must be a valid integer"):
        load_config(path, ["seed.deep=1"])


def test_a_config_error_is_a_value_error():
    assert issubclass(ConfigError, ValueError)
    assert issubclass(ConfigError, GeovqError)


def _is_section(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _sections(schema: type[BaseModel]) -> list[type[BaseModel]]:
    annotations = [field.annotation for field in schema.model_fields.values()]
    return [annotation for annotation in annotations if _is_section(annotation)]


def _repeated(values: dict, defaults: dict, place: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        if isinstance(value, dict):
            found += _repeated(value, defaults[key], f"{place}{key}.")
        elif value == defaults[key]:
            found.append(place + key)
    return found


def test_choices_of_a_setting_are_those_of_its_table_in_order():
    schema = ExperimentConfig.model_json_schema()
    assert choices(ExperimentConfig.model_fields["tokenizers"]) == tuple(TOKENIZERS)
    assert choices(ExperimentConfig.model_fields["refits"]) == tuple(TOKENIZERS)
    assert choices(DiscretizationConfig.model_fields["method"]) == POST_HOC
    assert schema["properties"]["tokenizers"]["items"]["enum"] == list(TOKENIZERS)
    geometry = GeometryConfig.model_fields
    assert choices(geometry["output_geometry"]) == tuple(OUTPUT_GEOMETRIES)
    assert choices(geometry["n_images"]) is None
    with pytest.raises(ConfigError, match="output_geometry must be 'pixel' or 'bernoulli'; got 'poisson'"):
        parse_config({"geometry": {"output_geometry": "poisson"}})


def test_a_run_from_before_directions_could_be_chosen_has_principal_ones(tmp_path):
    def read(latent_channels, without=(), **geometry):
        config = parse_config({"vae": {"latent_channels": latent_channels}, "geometry": geometry})
        values = config.model_dump(mode="json")
        values["geometry"] = {key: value for key, value in values["geometry"].items() if key not in without}
        return load_config(write(tmp_path / "x.yaml", yaml.safe_dump(values))).geometry.directions

    earlier = ("directions", "max_active")
    assert read(64, earlier) == "pca"
    assert read(64) == "auto"
    assert read(64, directions="pixel") == "pixel"
    assert read(16, earlier) == "auto"  # the same there
    assert load_config(write(tmp_path / "x.yaml", "vae: {latent_channels: 64}")).geometry.directions == "auto"
