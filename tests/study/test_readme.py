from dataclasses import replace
from pathlib import Path

import pytest

from geovq.bundle import bundled
from geovq.cli import main
from geovq.study.methods import Method
from geovq.study.readme import check_document
from geovq.study.summary import summarise
from tests.study.made_up import write_made_up_study

POINTS = [
    "| tokenizer | K | own rule | joint | own rule, refit | joint, refit |",
    "|---|---|---|---|---|---|",
    "| kmeans | 16 | 0.12500 at 3.00 | – | – | – |",
    "| kmeans | 64 | 0.06250 at 4.00 | – | – | – |",
    "| kmeans | 256 | 0.03125 at 5.00 | – | – | – |",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    write_made_up_study(out, {Method("kmeans"): 1.0})
    rows = write_made_up_study(out, {Method("kmeans"): 1.0, Method("weighted", "joint"): 0.5})
    changed = replace(rows[0], ablation="half the data", mse=0.25, bits_per_token=3.5)
    with_prior = replace(rows[1], prior_bits_per_image=120.0, description_length=150.0, n_images=1)
    write_made_up_study(out, {Method("kmeans"): 1.0, Method("weighted", "joint"): 0.5}, others=[changed, with_prior])
    summarise(out, n_resamples=20, n_resamples_of_claims=20)
    return out


def check(document: Path, study: Path, *options: str) -> int:
    return main(["study", "check", str(document), "--out", str(study), *options])


def document(folder: Path, name: str, *lines: str) -> Path:
    path = folder / "README.md"
    path.write_text("\n".join(["# A title", f"<!-- study:{name} -->", *lines, "<!-- /study -->", "The end.", ""]))
    return path


def test_blocks_are_written_and_then_agree(study: Path, tmp_path: Path) -> None:
    path = document(tmp_path, "points-mnist", "old")
    assert check(path, study, "--write") == 0
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("# A title", "The end.")
    made = lines[2:-2]
    assert [line.replace(line.split("|")[3], " … ") if "kmeans" in line else line for line in made[:2]] == POINTS[:2]
    assert [line.split("|")[1:3] for line in made[2:5]] == [line.split("|")[1:3] for line in POINTS[2:]]
    for line, expected in zip(made[2:5], POINTS[2:], strict=True):
        said, wanted = (float(one.split("|")[3].split()[0]) for one in (line, expected))
        assert said == pytest.approx(wanted, rel=0.05)  # difficulty and chance do not quite cancel
    assert made[5].endswith("at 3.00 (λ = 0.006) | – | – |")
    assert made[-1] == f"| the VAE itself | – | {2**-5.5:.5f} | – | – | – |"
    assert check(path, study) == 0


def test_a_figure_that_differs_ends_with_2_and_one_sentence(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = document(tmp_path, "points-mnist", "old")
    check(path, study, "--write")
    text = path.read_text()
    path.write_text(text.replace(" at 4.00", " at 3.99", 1))
    capsys.readouterr()
    assert check(path, study) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "line 6, block points-mnist: says '| kmeans | 64 |" in error
    assert "--write` rewrites it" in error
    path.write_text(text.replace("|---|---|---|---|---|---|\n", ""))
    assert check(path, study) == 2


def test_the_other_blocks_hold_claims_sentences_priors_and_changes(study: Path, tmp_path: Path) -> None:
    wanted = {
        "claims": ["k-means by its own rule", "| mnist | ≤ 0.25× | 0.5", "| not reached |"],
        "sentences-mnist": [],  # the two have no search in common
        "priors-mnist": ["| kmeans (own) | 64 | 0 |", "| 120.0 | 150.0 |"],
        "ablation-mnist": ["| half the data | kmeans (own), K = 16 | 0.25000 at 3.50 |", " at 3.00 |"],
    }
    for name, parts in wanted.items():
        path = document(tmp_path, name)
        assert check(path, study, "--write") == 0
        text = path.read_text()
        assert all(part in text for part in parts), (name, text)


def test_the_figures_of_this_repository_agree_with_the_shipped_study() -> None:
    readme = Path(__file__).parents[2] / "README.md"
    if "<!-- study:" not in readme.read_text(encoding="utf-8"):
        pytest.skip("README has no figures of a study")
    assert check_document(readme, bundled("assets", "study"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# Nothing\n", "has no block of a study"),
        ("<!-- study:points-mnist -->\nnever ends\n", "line 1: the block points-mnist has no end"),
        ("<!-- study:pictures -->\n<!-- /study -->\n", "line 1: a study has no block pictures; it has points-DATASET"),
    ],
)
def test_documents_that_cannot_be_checked_are_named(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    assert check(path, study) == 2
    assert message in capsys.readouterr().err


def test_check_needs_a_document_and_nothing_else_takes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "check"]) == 2
    assert main(["study", "summary", "README.md"]) == 2
    assert capsys.readouterr().err.count("needs a document") == 2
    assert check(tmp_path / "none.md", tmp_path) == 2
    assert "cannot be read" in capsys.readouterr().err
