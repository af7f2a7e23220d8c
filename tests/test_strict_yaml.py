"""The faults that public reports name (yaml/pyyaml#165, #382, #613, #899), and laws that hold for any text."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from geovq.cli import main
from geovq.config import ExperimentConfig, load_config
from geovq.config.strict_yaml import dump_yaml, one_line, parse_yaml
from geovq.errors import ConfigError
from geovq.runs import list_runs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("50:00", "50:00"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("'2024-02-30'", "2024-02-30"),
        ("<<: 1", {"<<": 1}),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    read = parse_yaml(text, "x")
    assert read == value
    assert type(read) is type(value)


def test_an_alias_repeats_a_value_as_pyyaml_writes_what_is_shared():
    shared = {"epochs": 2}
    values = {"vae_training": shared, "vqvae_training": shared}
    text = yaml.safe_dump(values)
    assert "*" in text
    assert parse_yaml(text, "x") == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vae:\n  beta: 0.5\n  beta: 0.1\n", "line 3: beta is there twice, at line 2 too; keep one of them"),
        ("vae:\n  width: 8\nvae:\n  beta: 1\n", "line 3: vae is there twice, at line 1 too"),
        ("name: 2024-02-30\n", "line 1: 2024-02-30 may be a date or a text; put it in quotes"),
        ("a: 1\nb: 2024-02-03 10:00:00\n", "line 2: 2024-02-03 10:00:00 may be a date"),
        ("prior:\n  class_conditional: !!bool maybe\n", "line 2: the tag !!bool is not allowed; leave it out"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1: the tag !!python/object/apply:os.getcwd is not allowed"),
        ("a: " + "[" * 3_000 + "]" * 3_000, "line 1: it is nested more than 20 deep"),
        ("a: &a 1\nb: &b [*a]\nc: *b\n", "line 2: .a repeats a value inside one that is repeated"),
        ("a: &a [*a]\n", "line 1: .a repeats a value inside one that is repeated"),
        ("a: &a 1\nb: [" + "*a, " * 101 + "]", "line 2: .a .* is one of more than 100; write the value out"),
        ("seed: " + "9" * 5_000, "line 1: a number has 5000 digits"),
        ("? [a]\n: 1\n", "line 1: a key must be a name"),
        ("a: 1\nb: \x07\n", "line 2: it holds the character"),
        ("a: 1\n--- \nb: 1\n", "line 2: but found another document"),
        ("a: [1\n", "line 2"),
    ],
)
def test_what_has_two_meanings_is_refused_with_place_and_remedy(tmp_path, text, message):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"x\.yaml is not valid YAML at {message}") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_as_long_as_no_settings_are_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_text("# " + "x" * 200_000)
    with pytest.raises(ConfigError, match="has 200002 characters, where settings have at most 100000"):
        load_config(tmp_path / "x.yaml")


@pytest.mark.parametrize("value", ["yes", "on", "true", "50:00"])
def test_a_word_for_a_number_is_refused_by_name(tmp_path, value):
    (tmp_path / "x.yaml").write_text(f"vae_training:\n  epochs: {value}\n")
    with pytest.raises(ConfigError, match=r"x\.yaml: vae_training\.epochs must be .*; got"):
        load_config(tmp_path / "x.yaml")


def test_octal_numbers_are_what_a_person_reads(tmp_path):
    (tmp_path / "x.yaml").write_text("seed: 010\n")
    assert load_config(tmp_path / "x.yaml").seed == 10
    assert load_config(tmp_path / "x.yaml", ["seed=007"]).seed == 7


def test_errors_name_the_file_or_the_option_that_says_so(tmp_path):
    (tmp_path / "global.yaml").write_text("vae: {beta: -1}\nseed: 3\n")
    (tmp_path / "x.yaml").write_text("vae: {width: 8}\n")
    with pytest.raises(ConfigError, match=r"global\.yaml: vae\.beta must be"):
        load_config(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match=r"^--set vae\.beta=x: vae\.beta must be"):
        load_config(tmp_path / "x.yaml", ["vae.beta=x"])
    (tmp_path / "x.yaml").write_text("vae: {width: 1, beta: 1}\n")
    with pytest.raises(ConfigError, match=r"x\.yaml: vae\.width must be"):
        load_config(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    "text", ["name: 2024-02-30", "seed: !!bool maybe", "seed: " + "[" * 3_000, "seed: 1\nseed: 2", "\x00", "- 1"]
)
def test_one_bad_file_hides_no_other_run(tmp_path, monkeypatch, capsys, text):
    for name, content in (("bad", text), ("good", "name: good")):
        (tmp_path / "mnist" / name).mkdir(parents=True)
        (tmp_path / "mnist" / name / "config.yaml").write_text(content)
    bad, good = sorted(list_runs(tmp_path, shipped=False), key=lambda summary: summary.name)
    assert "config.yaml" in bad.problem
    assert (good.name, good.problem) == ("good", "")
    monkeypatch.setenv("GEOVQ_OUTPUTS", str(tmp_path))
    assert main(["runs"]) == 0
    assert "mnist/good" in capsys.readouterr().out


def test_settings_that_look_like_numbers_survive_being_written(tmp_path):
    for name in ("1e5", "010", "2024-02-03", "no", "null", "0o7", "12"):
        text = dump_yaml(ExperimentConfig(name=name).model_dump(mode="json"))
        (tmp_path / "x.yaml").write_text(text)
        assert load_config(tmp_path / "x.yaml").name == name
        assert load_config(tmp_path / "x.yaml", [f"name={one_line(name)}"]).name == name


@settings(deadline=None, max_examples=200)
@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(codec="utf-8")), below),
    max_leaves=10,
))  # fmt: skip
def test_what_is_written_is_read_back(value):
    assert parse_yaml(dump_yaml(value), "x") == value


@settings(deadline=None, max_examples=300)
@given(text=st.text(alphabet=st.sampled_from("ab:-[]{}!&*#|>'\"%@`,?\n \t0123.~<=é\x00"), max_size=60))
def test_any_text_is_a_value_or_one_sentence(text):
    with contextlib.suppress(ConfigError):  # anything else is a fault
        parse_yaml(text, "x")


def test_numbers_of_the_core_schema_mean_the_same_to_pyyaml():
    for text in ("1", "-3", "0.25", "1.5e+3", "true", "null", "plain words"):
        assert parse_yaml(text, "x") == yaml.safe_load(text)
