from pathlib import Path

import pytest

from geovq.data.full import data_folder
from geovq.environment import folder_named_by
from geovq.errors import ConfigError
from geovq.runs import outputs_root


def test_a_tilde_is_the_home_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable, folder in (("GEOVQ_DATA", data_folder), ("GEOVQ_OUTPUTS", outputs_root)):
        monkeypatch.setenv(variable, "~/below")
        assert folder() == tmp_path / "below"


def test_a_home_that_nobody_knows_is_one_sentence(monkeypatch):
    monkeypatch.setenv("GEOVQ_DATA", "~nobody-of-this-name/data")
    with pytest.raises(ConfigError, match=r"GEOVQ_DATA is ~nobody-of-this-name/data, .* give the whole path"):
        data_folder()


@pytest.mark.parametrize("empty", [None, ""])
def test_without_a_name_it_is_the_default(monkeypatch, empty):
    monkeypatch.delenv("GEOVQ_DATA", raising=False)
    if empty is not None:
        monkeypatch.setenv("GEOVQ_DATA", empty)
    assert folder_named_by("GEOVQ_DATA", "data") == Path("data")
