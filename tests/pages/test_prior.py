"""The prior page: what it draws follows its controls, and every view has an answer or a clear state."""

import json
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from geovq.artifacts import file_digest
from geovq.models import LatticePrior, save_model
from geovq.runs import open_run
from tests.pages.conftest import alts, charts, open_page, text_of

VIEWS = ["Samples", "Cell by cell", "Surprise", "Half an image"]


@pytest.fixture
def class_conditional(one_run: Path) -> Path:
    """The run with a prior that takes labels (untrained) in the place of its Riemannian one."""
    run = open_run(one_run)
    config = run.config.prior.model_copy(update={"class_conditional": True})
    torch.manual_seed(0)
    prior = LatticePrior(
        config, run.tokenizers["riemannian"].n_codes, 7, 7, class_counts=[3, 2, 0, 1, 1, 1, 1, 1, 1, 1]
    )
    file = "priors/riemannian.safetensors"
    save_model(one_run / file, prior)
    manifest = json.loads((one_run / "manifest.json").read_text())
    manifest["stages"]["prior:riemannian"]["files"][file] = file_digest(one_run / file)
    (one_run / "manifest.json").write_text(json.dumps(manifest))
    return one_run


def first_picture(app: AppTest) -> str:
    source: str = charts(app)[0]["data"][0]["source"]
    return source


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_linked_and_drawn(view: str, one_run: Path) -> None:
    app = open_page("prior", prior_view=view)
    assert not app.exception
    assert not app.error
    assert charts(app)
    assert app.session_state["prior_view"] == view
    assert all(alts(app))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_takes_a_class_conditional_prior(view: str, class_conditional: Path) -> None:
    app = open_page("prior", prior_view=view)
    assert not app.exception
    assert not app.error


def test_another_seed_draws_other_images_and_the_same_seed_the_same(one_run: Path) -> None:
    app = open_page("prior")
    first = first_picture(app)
    app.number_input(key="prior_seed").set_value(1).run()
    second = first_picture(app)
    app.number_input(key="prior_seed").set_value(0).run()
    assert second != first
    assert first_picture(app) == first


def test_the_refitted_decoder_paints_the_same_tokens_differently(one_run: Path) -> None:
    app = open_page("prior", prior_tokenizer="Riemannian")
    own = first_picture(app)
    app.toggle(key="prior_refit").set_value(True).run()
    assert first_picture(app) != own
    assert "refitted decoder" in text_of(app)


def test_where_no_decoder_was_refitted_none_is_offered(one_run: Path) -> None:
    app = open_page("prior", prior_tokenizer="k-means")
    assert "prior_refit" not in [toggle.key for toggle in app.toggle]


def test_without_classes_one_line_says_why_none_can_be_chosen(one_run: Path) -> None:
    app = open_page("prior")
    assert "trained without classes" in text_of(app)
    assert "prior_label" not in [box.key for box in app.selectbox]


def test_a_chosen_class_changes_what_is_drawn_and_stands_in_the_caption(class_conditional: Path) -> None:
    app = open_page("prior")
    anything = first_picture(app)
    app.selectbox(key="prior_label").set_value("3").run()
    assert not app.exception
    assert first_picture(app) != anything
    assert "class 3" in text_of(app)


def test_a_class_without_examples_is_not_offered(class_conditional: Path) -> None:
    options = open_page("prior").selectbox(key="prior_label").options
    assert "2" not in options
    assert "any" in options


def test_samples_stand_above_their_nearest_training_images_with_the_distance(one_run: Path) -> None:
    figure = charts(open_page("prior"))[1]
    assert figure["layout"]["yaxis"]["ticktext"] == ["sample", "training"]
    distances = [float(text) for text in figure["layout"]["xaxis"]["ticktext"]]
    assert distances == sorted(distances)
    assert min(distances) > 0


def test_a_step_shows_as_many_cells_as_it_says(one_run: Path) -> None:
    app = open_page("prior", prior_view="Cell by cell", prior_step="9")
    (cells,) = [trace for trace in charts(app)[0]["data"] if trace["type"] == "heatmap"]
    assert sum(text != "" for row in cells["text"] for text in row) == 9
    assert "Step 9 of 49: row 1, column 1" in text_of(app)


@pytest.mark.parametrize("step", ["0", "50", "last"])
def test_a_step_that_does_not_exist_is_said_and_another_is_shown(step: str, one_run: Path) -> None:
    app = open_page("prior", prior_view="Cell by cell", prior_step=step)
    assert f"asks for {step} as the step; this run has 1 to 49" in app.warning[0].value
    assert "Step 25 of 49" in text_of(app)


def test_stepping_back_and_on_is_a_click_and_ends_at_the_last_cell(one_run: Path) -> None:
    app = open_page("prior", prior_view="Cell by cell", prior_step="48")
    step = next(button for button in app.button if button.label == "Step")
    app = step.click().run()
    assert app.slider(key="prior_step").value == 49
    assert next(button for button in app.button if button.label == "Step").disabled
    app = next(button for button in app.button if button.label == "Back").click().run()
    assert app.slider(key="prior_step").value == 48


def test_keeping_all_rows_leaves_nothing_to_draw(one_run: Path) -> None:
    app = open_page("prior", prior_view="Half an image", prior_rows="7")
    whole = charts(app)[0]
    assert not app.exception
    frames = whole["layout"]["shapes"]
    assert len(frames) == 18
    assert frames[0]["y1"] - frames[0]["y0"] == 28


def test_the_surprise_of_an_image_is_the_sum_of_its_cells(one_run: Path) -> None:
    app = open_page("prior", prior_view="Surprise")
    metric = next(metric for metric in app.metric if metric.label == "This image")
    texts = next(trace for trace in charts(app)[1]["data"] if trace.get("mode") == "text")["text"]
    assert float(metric.value.split()[0]) == pytest.approx(sum(map(float, texts)), abs=49 * 0.05)


def test_settings_out_of_range_in_a_link_fall_back_to_usual_ones(one_run: Path) -> None:
    app = open_page("prior", prior_view="nothing", prior_temperature="99", prior_seed="-3", prior_tokenizer="owl")
    assert not app.exception
    assert app.slider(key="prior_temperature").value == 1.0
    assert app.session_state["prior_view"] == "Samples"
