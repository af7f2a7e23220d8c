from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geovq.errors import ArtifactError, InvalidValueError
from geovq.study.methods import Method, measured_rows, methods_in, on_common_ground
from tests.study.made_up import N_IMAGES, RATES, write_made_up_study

OURS, THEIRS = Method("weighted", "joint"), Method("kmeans")


def test_two_methods_meet_on_the_images_that_both_have(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {OURS: 0.5, THEIRS: 1.0}, n_images={OURS: 100})
    ours, theirs = on_common_ground(rows, tmp_path, "mnist", (OURS, THEIRS))
    assert ours.errors.shape == theirs.errors.shape == (3, len(RATES), 100)
    np.testing.assert_array_equal(ours.bits[:, :, 0], [list(RATES.values())] * 3)
    # An image that is difficult for one is difficult for the other: they were not mixed up.
    assert np.corrcoef(ours.errors[0, 0], theirs.errors[0, 0])[0, 1] > 0.9


def test_a_seed_that_is_not_measured_yet_is_left_out(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {OURS: 0.5, THEIRS: 1.0})
    begun = [row for row in rows if row.seed < 2 or row.tokenizer != "weighted" or row.n_codes == 16]
    assert [one.errors.shape for one in on_common_ground(begun, tmp_path, "mnist", (OURS, THEIRS))] == [
        (2, 3, N_IMAGES)
    ] * 2


def test_a_point_that_one_seed_lacks_is_left_out_for_all(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {OURS: 0.5, THEIRS: 1.0})
    begun = [row for row in rows if row.seed < 2 or row.tokenizer != "weighted" or row.n_codes != 256]
    ours, theirs = on_common_ground(begun, tmp_path, "mnist", (OURS, THEIRS))
    assert (ours.errors.shape[:2], theirs.errors.shape[:2]) == ((3, 2), (3, 3))


def test_methods_that_do_not_meet_and_files_that_are_gone_are_named(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {OURS: 0.5, THEIRS: 1.0})
    with pytest.raises(InvalidValueError, match=r"weighted \(joint\) and vqvae \(own\) were not measured at 2 points"):
        on_common_ground(rows, tmp_path, "mnist", (OURS, Method("vqvae")))
    (tmp_path / "cells" / f"{rows[0].cell}.npz").unlink()
    with pytest.raises(ArtifactError, match="missing or damaged"):
        on_common_ground(rows, tmp_path, "mnist", (OURS, THEIRS))


def test_failed_and_changed_rows_do_not_count_and_more_images_count_more(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {OURS: 0.5})
    all_images = replace(rows[0], cell="all", n_images=10_000)
    noise = [replace(rows[1], error="No."), replace(rows[1], ablation="other", n_images=10_000)]
    kept = measured_rows([*noise, *rows, all_images])
    assert {row.cell for row in kept} == {row.cell for row in rows[1:]} | {"all"}
    assert methods_in(kept) == [OURS]
