"""The compare page: two tokenizers of any two runs, a verdict with its interval, and files to take away."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geovq.app.compare import data as compare_data
from geovq.app.compare.data import Side
from geovq.app.compare.export import Comparison, numbers_json, pictures_png, report
from geovq.app.compare.pictures import cell_errors, ordered
from geovq.app.compare.table import with_refits
from geovq.app.shared import fetching
from geovq.runs import open_run
from geovq.study.table import TABLE_NAME, StudyRow, write_table
from tests.pages.conftest import chart, charts, open_page, text_of
from tests.pages.study_table import rows


@pytest.fixture
def another_run(one_run: Path) -> Path:
    """A second run on the same images."""
    other = one_run.with_name("other")
    shutil.copytree(one_run, other)
    text = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(text.replace(f"name: {one_run.name}", "name: other"))
    return other


@pytest.fixture
def ship_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[StudyRow] | None], None]:
    """Puts a study's table, or none, where the one that travels with geovq would be."""

    def ship(table: list[StudyRow] | None) -> None:
        folder = tmp_path / "bundled"
        for module in ("geovq.study.table", "geovq.app.compare.study"):
            monkeypatch.setattr(f"{module}.bundled", lambda *parts: folder.joinpath(*parts))
        if table is not None:
            (folder / "assets" / "study").mkdir(parents=True)
            write_table(folder / "assets" / "study" / TABLE_NAME, table)

    return ship


def comparison(path: Path, tokenizers: tuple[str, str] = ("riemannian", "kmeans")) -> Comparison:
    run = open_run(path)
    a, b = (Side(run, name, "own", run) for name in tokenizers)
    return Comparison(a, b, "mse", "A <b>beats</b> B")


def test_the_verdict_names_both_and_its_interval(one_run: Path) -> None:
    words = text_of(open_page("compare"))
    assert "Riemannian" in words
    assert "k-means" in words
    assert "95% interval" in words
    assert "100 held-out images" in words


def test_where_the_full_set_is_missing_the_tokens_are_those_of_the_images_that_are_shown(
    one_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geovq.app.shared.fetching.at_hand", lambda dataset: "fashion_mnist-sample")
    run = open_run(one_run)
    side = Side(run, "riemannian", "own", run)
    shown = fetching.first_batch(fetching.held_out_of(run), 100)
    np.testing.assert_array_equal(
        compare_data.tokens(side)[:100],
        run.tokenizers["riemannian"].encode(run.autoencoder("riemannian").encode(shown)).numpy(),
    )


def test_the_table_has_a_row_per_tokenizer_and_refitted_decoder(one_run: Path) -> None:
    tables = [list(frame.value["tokenizer"]) for frame in open_page("compare").dataframe if "tokenizer" in frame.value]
    assert [
        "VAE, not quantized",
        "k-means",
        "Euclidean",
        "Riemannian",
        "Riemannian, refitted decoder",
        "VQ-VAE",
    ] in tables


def test_a_refitted_decoder_has_no_distortion_of_its_own() -> None:
    values = {"mse": 2.0, "distortion": 1.0, "n_codes": 8, "refit_mse": 1.5}
    rows = with_refits({"kmeans": values})
    assert rows["kmeans"] == {"mse": 2.0, "distortion": 1.0, "n_codes": 8}
    assert rows["k-means, refitted decoder"] == {"mse": 1.5, "n_codes": 8}


def test_errors_are_hidden_when_asked(one_run: Path) -> None:
    app = open_page("compare")
    assert charts(app)[1]["layout"]["yaxis"]["ticktext"] == ["original", "A", "A, error", "B", "B, error"]
    app.toggle(key="compare_errors").set_value(False).run()
    assert charts(app)[1]["layout"]["yaxis"]["ticktext"] == ["original", "A", "B"]


def test_a_tokenizer_is_not_compared_with_itself_but_its_two_decoders_are(one_run: Path) -> None:
    app = open_page("compare", compare_theirs="Riemannian")
    assert "Choose two different tokenizers" in text_of(app)
    app.toggle(key="compare_refit_a").set_value(True).run()
    assert not app.exception
    assert "Riemannian, refitted decoder" in text_of(app)
    assert "95% interval" in text_of(app)


def test_a_link_compares_with_another_run(another_run: Path, one_run: Path) -> None:
    own, other = (f"{path.parent.name}/{path.name}" for path in (one_run, another_run))
    app = open_page("compare", run=own, compare_run=other, compare_theirs="Riemannian")
    assert not app.exception
    words = text_of(app)
    assert f"Riemannian ({own})" in words
    assert f"Riemannian ({other})" in words


def test_a_link_to_a_missing_run_says_so_and_shows_what_there_is(one_run: Path) -> None:
    app = open_page("compare", compare_run="mnist/never_made")
    assert not app.exception
    assert "mnist/never_made" in app.warning[0].value.replace("\\", "")
    assert "95% interval" in text_of(app)


def test_a_run_that_is_deleted_while_it_is_compared_gives_way(another_run: Path, one_run: Path) -> None:
    own, other = (f"{path.parent.name}/{path.name}" for path in (one_run, another_run))
    app = open_page("compare", run=own, compare_run=other)
    shutil.rmtree(another_run)
    app.run()
    assert not app.exception
    assert app.selectbox(key="compare_run").value == own


def test_a_run_that_is_not_measured_yet_shows_its_pictures(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: not stage.startswith("evaluation"))
    app = open_page("compare")
    assert not app.exception
    assert "not measured yet" in text_of(app)
    assert "95% interval" in text_of(app)


def test_values_out_of_range_in_a_link_fall_back_to_usual_ones(one_run: Path) -> None:
    app = open_page("compare", compare_first="99999", compare_image="-4", compare_error="of guessing")
    assert not app.exception
    assert app.number_input(key="compare_first").value == 0
    assert app.session_state["compare_error"] == "of the whole way"


def test_the_image_in_detail_is_the_one_of_the_link(one_run: Path) -> None:
    assert "Tokens of image 7" in text_of(open_page("compare", compare_image="7"))


def test_images_are_ordered_by_who_wins(one_run: Path) -> None:
    two = comparison(one_run)
    a_first = ordered(two.a, two.b, "mse", "A wins most first")
    assert sorted(a_first) == list(range(100))
    assert a_first == ordered(two.b, two.a, "mse", "B wins most first")


def test_errors_of_the_cells_average_to_the_error_of_the_image(one_run: Path) -> None:
    from geovq.app.compare.data import errors

    side = comparison(one_run).a
    assert cell_errors(side, 3).mean() == pytest.approx(1000 * errors(side, "mse")[3], rel=1e-4)


def test_the_exported_numbers_are_json_with_both_sides_and_the_interval(one_run: Path) -> None:
    values = json.loads(numbers_json(comparison(one_run)))
    assert (values["a"]["tokenizer"], values["b"]["tokenizer"]) == ("riemannian", "kmeans")
    assert values["difference_a_minus_b"]["n"] == 100
    assert values["difference_a_minus_b"]["mean_difference"] == pytest.approx(
        values["a"]["mean_error"] - values["b"]["mean_error"]
    )
    assert {row["tokenizer"] for row in values["measurements"]} >= {"k-means", "Riemannian"}


def test_the_report_holds_the_comparison_and_shows_words_as_they_stand(one_run: Path) -> None:
    document = report(comparison(one_run))
    assert "A &lt;b&gt;beats&lt;/b&gt; B" in document
    assert "95% interval" in document
    assert document.count("All measurements") == 1


def test_the_pictures_are_a_png(one_run: Path) -> None:
    assert pictures_png(comparison(one_run)).startswith(b"\x89PNG")


def test_the_verdict_always_includes_the_vqvae_of_the_run(one_run: Path) -> None:
    run = open_run(one_run)
    words = text_of(open_page("compare"))  # Riemannian against k-means
    difference, error = (
        compare_data.errors(Side(run, "riemannian", "own", run), "mse")
        - compare_data.errors(Side(run, "vqvae", "own", run), "mse"),
        compare_data.errors(Side(run, "vqvae", "own", run), "mse").mean(),
    )
    share = f"{abs(difference.mean()) / error:.0%}"
    assert f"{share} {'less' if difference.mean() < 0 else 'more'} reconstruction error than VQ-VAE" in words
    assert text_of(open_page("compare", compare_theirs="VQ-VAE")).count("error than VQ-VAE") == 1


def test_a_run_without_a_vqvae_says_so(add_run: Callable[..., Path]) -> None:
    add_run(keep=lambda stage: "vqvae" not in stage)
    app = open_page("compare")
    assert not app.exception
    assert "mnist-sample/tiny has no VQ-VAE" in text_of(app)


def test_without_a_study_the_page_says_so_in_one_sentence(one_run: Path, ship_study: Callable[..., None]) -> None:
    ship_study(None)
    app = open_page("compare")
    assert not app.exception
    assert text_of(app).count("No study comes with this geovq") == 1
    assert "95% interval" in text_of(app)


def test_the_study_is_drawn_with_the_chosen_runs_and_says_who_is_better(
    one_run: Path, ship_study: Callable[..., None]
) -> None:
    ship_study(rows())
    app = open_page("compare")
    assert not app.exception
    words = text_of(app)
    assert "MNIST, chosen together: Local metric has 0.50 × the error of VQ-VAE at equal rate (3 seeds: 0.50" in words
    assert "2,000 held-out images, 3 seeds of the autoencoder" in words
    figure = chart(app, "with bands over 3 seeds")
    titles = [note["text"] for note in figure["layout"]["annotations"]]
    assert titles[:2] == ["MNIST", "FashionMNIST"]
    run_points = [trace for trace in figure["data"] if trace["name"] == "the chosen runs"]
    assert {trace["text"][0] for trace in run_points} >= {"<b>A</b>", "<b>B</b>"}
    assert {trace.get("xaxis", "x") for trace in run_points} == {"x"}  # the run is of MNIST


def test_search_decoder_and_tokenizers_of_the_study_are_chosen_by_the_link(
    one_run: Path, ship_study: Callable[..., None]
) -> None:
    ship_study(rows(seeds=(0,)))
    app = open_page("compare", compare_study_search="own rule", compare_study_decoder="refitted")
    assert not app.exception
    names = {trace["name"] for trace in chart(app, "over 1 seed")["data"]}
    assert {"Local metric, own rule", "VQ-VAE, own rule", "k-means, own rule"} <= names
    assert not any("together" in name for name in names)
    app.multiselect(key="compare_study_tokenizers").set_value([]).run()
    assert not app.exception
    assert "The study has no points of these" in text_of(app)
