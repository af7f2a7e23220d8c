"""The page Tokens: its counts, its links, its editor, and what it says when something is missing."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from geovq.app.shared import fetching
from geovq.app.shared.cells import cell_sums
from geovq.app.shared.joint import Together, TokenChoice, together
from geovq.app.tokens import data as tokens_data
from geovq.app.tokens.data import Difference, edited, read_edits, write_edits
from geovq.app.tokens.editor import edit_finding
from geovq.app.tokens.together import around, pair_labels, together_finding
from geovq.evaluation.lone_changes import CancellingPair
from geovq.runs import open_run
from geovq.viz import tokenizer_style
from tests.pages.conftest import alts, chart, charts, open_page, text_of

EDITS = "tokens_edits"


def grid(app: AppTest) -> NDArray[np.int_]:
    """Tokens that the editor shows."""
    sent = chart(app, "to choose one; cells that were changed")["data"][0]["text"]  # a typed buffer
    tokens = np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    return tokens.reshape([int(size) for size in sent["shape"].split(",")]).astype(int)


def other_codes(run: Path, image: int) -> tuple[int, int]:
    """Codes that the first and the middle cell of an image do not hold."""
    tokens = open_run(run).tokens("riemannian", "test")[image]
    return (int(tokens[0, 0]) + 1) % 8, (int(tokens[3, 3]) + 1) % 8


def test_a_finished_run_shows_every_section_with_computed_findings(one_run: Path) -> None:
    app = open_page("tokens")
    assert not app.exception
    assert not app.error
    assert all(alts(app))
    assert len(charts(app)) in (14, 15)  # one more where two changes need each other
    words = text_of(app)
    assert re.search(r"One Riemannian token tells \d\.\d\d of the 3\.\d\d bits of the class", words)
    assert re.search(r"Riemannian: knowing a neighbour saves \d\.\d\d bits of a token", words)
    assert re.search(r"(\d+ of 49 cells differ|All 49 cells hold partners)", words)
    assert "Nothing is changed yet" in words
    assert f"run {one_run.parent.name}/{one_run.name}, seed 0" in words


def test_maps_can_be_those_of_one_class(one_run: Path) -> None:
    app = open_page("tokens")
    app = app.selectbox(key="tokens_map_class").set_value("7").run()
    app = app.segmented_control(key="tokens_map").set_value("codes in use").run()
    assert not app.exception
    run = open_run(one_run)
    (n_images,) = map(int, re.findall(r"(\d+) of 100 held-out images of mnist-sample, 7", text_of(app)))
    assert 0 < n_images < 100
    shown = chart(app, "at each of the 7 by 7 positions")["data"][1]["text"]
    assert max(map(int, shown)) <= min(n_images, run.tokenizers["riemannian"].n_codes)


def test_one_tokenizer_alone_is_enough_for_everything_but_the_difference(one_run: Path) -> None:
    app = open_page("tokens")
    app = app.multiselect(key="tokens_tokenizers").set_value(["vqvae"]).run()
    assert not app.exception
    assert not app.error
    assert "Choose a second tokenizer" in text_of(app)
    assert grid(app).shape == (7, 7)


def test_tokenizers_of_two_latent_spaces_are_laid_side_by_side(one_run: Path) -> None:
    app = open_page("tokens", tokens_partners="paint most nearly the same")
    app = app.multiselect(key="tokens_tokenizers").set_value(["riemannian", "vqvae"]).run()
    assert not app.exception
    assert not app.error
    assert any("under Riemannian and VQ-VAE" in alt for alt in alts(app))


def test_an_edited_token_changes_the_picture_and_the_link_and_can_be_reset(one_run: Path) -> None:
    app = open_page("tokens")
    before, picture = grid(app), chart(app, "before and after 0 changes")
    app.number_input(key="tokens_row").set_value(2).run()
    app.number_input(key="tokens_column").set_value(4).run()
    wanted = (int(before[2, 4]) + 1) % 8
    app = app.number_input(key="tokens_code").set_value(wanted).run()
    assert not app.exception
    assert grid(app)[2, 4] == wanted
    assert (grid(app) != before).sum() == 1
    assert app.query_params[EDITS] == f"18:{wanted}"
    changed = chart(app, "before and after 1 changes")
    assert changed["data"][0]["source"] == picture["data"][0]["source"]
    assert changed["data"][1]["source"] != picture["data"][1]["source"]
    assert "One token changes" in text_of(app)
    app = app.button(key="tokens_reset").click().run()
    np.testing.assert_array_equal(grid(app), before)
    assert EDITS not in app.query_params


def test_one_cell_can_be_reset_and_the_others_stay_changed(one_run: Path) -> None:
    first, other = other_codes(one_run, image=0)
    app = open_page("tokens", tokens_edits=f"0:{first},24:{other}", tokens_row="3", tokens_column="3")
    app = app.button(key="tokens_reset_cell").click().run()
    assert app.query_params[EDITS] == f"0:{first}"


def test_a_link_opens_the_edited_image_and_another_image_begins_anew(one_run: Path) -> None:
    first, other = other_codes(one_run, image=3)
    app = open_page("tokens", tokens_edits=f"0:{first},24:{other}", tokens_image="3")
    assert (grid(app)[0, 0], grid(app)[3, 3]) == (first, other)
    assert app.query_params[EDITS] == f"0:{first},24:{other}"
    app = app.number_input(key="tokens_image").set_value(4).run()
    assert "Nothing is changed yet" in text_of(app)
    assert EDITS not in app.query_params


@pytest.mark.parametrize("edits", ["49:0", "love"])
def test_a_link_to_what_does_not_exist_says_so_and_changes_nothing(edits: str, one_run: Path) -> None:
    app = open_page("tokens", tokens_edits=edits, tokens_row="7")
    assert not app.exception
    words = " ".join(box.value for box in app.warning).replace("\\", "")
    assert f"The link puts {edits} into this image" in words
    assert "asks for 7 as the row" in words
    assert "Nothing is changed yet" in text_of(app)


@pytest.mark.parametrize("edits", [{}, {(0, 0): 3}, {(3, 3): 12, (0, 6): 1}])
def test_edits_survive_the_way_through_a_link(edits: dict[tuple[int, int], int]) -> None:
    assert read_edits(write_edits(edits, 7), (7, 7), 16) == edits


@pytest.mark.parametrize("text", ["49:0", "0:16", "1", "1:2,", "-1:2", "1:2;3:4", "1" * 9 + ":0"])
def test_edits_that_do_not_fit_are_none(text: str) -> None:
    assert read_edits(text, (7, 7), 16) is None


def test_an_edit_leaves_the_tokens_it_started_from_alone() -> None:
    tokens = np.zeros((2, 2), dtype=np.int64)
    assert edited(tokens, {(1, 0): 5}).tolist() == [[0, 0], [5, 0]]
    assert not tokens.any()


def test_sums_over_cells_keep_the_total_and_the_place() -> None:
    image = np.zeros((28, 28))
    image[5, 10] = 2.0
    sums = cell_sums(image, (7, 7))
    assert sums[1, 2] == sums.sum() == 2.0


def test_errors_are_split_into_cells_that_differ_and_others() -> None:
    found = Difference(np.array([[True, False]]), {"kmeans": np.array([[3.0, 4.0]])})
    assert found.summed("kmeans", differing=True) == 3.0
    assert found.summed("kmeans", differing=False) == 4.0


def test_patches_of_other_sizes_have_no_partners() -> None:
    assert tokens_data.partners_by_patch(np.zeros((2, 4, 4)), np.zeros((2, 5, 4))) is None
    swapped = np.array([np.full((2, 2), 1.0), np.zeros((2, 2))])
    partners = tokens_data.partners_by_patch(swapped[::-1], swapped)
    assert partners is not None
    assert partners.tolist() == [1, 0]


def test_the_finding_counts_pixels_and_says_what_the_error_was_and_is() -> None:
    before, after = np.zeros((28, 28)), np.zeros((28, 28))
    after[0, :3] = 1.0
    assert edit_finding(before, after, before, 2) == (
        "2 tokens change 3 of 784 pixels; the squared error to the original goes from 0.0 to 3.0"
    )


def test_tokens_chosen_together_cost_no_more_than_those_of_the_own_rule(one_run: Path) -> None:
    app = open_page("tokens", tokens_image="3", tokens_price="0.01", tokens_price_kind="beside its neighbours")
    assert not app.exception
    assert not app.error
    run = open_run(one_run)
    found = together(run, "riemannian", "own", 3, 0.01, "context")
    assert found.joint.mse * 784 + 0.01 * found.joint.bits <= found.own.mse * 784 + 0.01 * found.own.bits
    lattice = run.tokenizers["riemannian"].decode(torch.from_numpy(found.joint.tokens[None]))
    decoded = run.autoencoder("riemannian").decode(lattice).detach().numpy()
    image = fetching.held_out_of(run).batch(torch.tensor([3])).numpy()
    np.testing.assert_allclose(found.joint.mse, ((decoded - image) ** 2).mean(), rtol=1e-4)
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Error (MSE, pixel²)"] == f"{found.joint.mse:.5f}"
    assert values["Bits of the image"] == f"{found.joint.bits:.1f}"
    assert values["Tokens changed"] == f"{int(found.changed.sum())} of 49"
    assert f"λ = 0.01 · run {run.id}, seed 0" in text_of(app)


def test_changes_of_joint_search_are_told_cell_by_cell(one_run: Path) -> None:
    found = together(open_run(one_run), "kmeans", "own", 0, 0.0, "codes")
    assert found.changed.any()
    np.testing.assert_array_equal(np.isnan(found.alone), ~found.changed)
    assert found.n_worse_alone == int((found.alone > found.own.mse).sum())


@pytest.mark.parametrize("name", ["kmeans", "vqvae"])  # without landmarks; with an autoencoder of its own
def test_any_tokenizer_can_be_chosen_together_and_by_a_refitted_decoder(one_run: Path, name: str) -> None:
    app = open_page("tokens", tokens_tokenizers=tokenizer_style(name).label, tokens_price="0")
    assert not app.exception
    assert not app.error
    assert f"{tokenizer_style(name).label}, λ = 0 ·" in text_of(app)
    app = open_page("tokens", tokens_joint_refit="true")
    assert "Riemannian, refitted decoder, λ = 0.006" in text_of(app)


def test_a_link_to_a_price_that_is_not_offered_says_so(one_run: Path) -> None:
    app = open_page("tokens", tokens_price="-3")
    assert not app.exception
    assert any("asks for -3 as the price of a bit" in box.value for box in app.warning)


def test_what_choosing_together_changed_is_told_in_a_sentence() -> None:
    own = TokenChoice(np.zeros((2, 2), int), np.zeros((8, 8)), 0.002, 100.0)
    joint = TokenChoice(np.array([[1, 0], [0, 2]]), np.zeros((8, 8)), 0.001, 98.0)
    assert together_finding(Together(own, joint, np.full((2, 2), np.nan), None, ())) == (
        "Chosen together, 2 of 4 tokens change: 50% less error at 2% fewer bits"
    )
    assert together_finding(Together(own, own, np.full((2, 2), np.nan), None, ())) == (
        "Chosen together, all tokens stay as they are"
    )
    pair = CancellingPair((1, 2), (1, 3), 0.002, 0.003, 0.0025, 0.001)
    assert pair_labels(pair)[1:3] == ["1, 2 alone<br>0.00300", "1, 3 alone<br>0.00250"]
    assert around(pair, (7, 7), (28, 28)) == (slice(0, 12), slice(4, 20))
