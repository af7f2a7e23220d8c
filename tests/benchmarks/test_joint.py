import json

import pytest

from geovq.benchmarks.joint import bench_joint
from geovq.errors import InvalidValueError

FEW = {"n_images": 12, "n_price_images": 20, "n_trial_images": 3}


@pytest.mark.slow
def test_every_tokenizer_is_searched_and_nobody_pays_more_than_by_the_own_rule(tiny_run, tmp_path, capsys):
    rows = bench_joint([tiny_run], bit_prices=[0.0], out=tmp_path / "joint.json", **FEW)
    assert [row.tokenizer for row in rows] == ["kmeans", "euclidean", "riemannian", "vqvae"]
    assert all(row.mse <= row.own_mse for row in rows)  # bits are free, so the error alone is what fell
    assert all(row.n_images == 12 and row.trial_images == 3 for row in rows)
    assert "mnist-sample/tiny" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "joint.json").read_text())["rows"]) == 4


def test_a_number_of_images_below_one_is_refused(tiny_run):
    with pytest.raises(InvalidValueError, match="at least 1; got 12, 20 and 0"):
        bench_joint([tiny_run], bit_prices=[0.0], out=None, **(FEW | {"n_trial_images": 0}))
