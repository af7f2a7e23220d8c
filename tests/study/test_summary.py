from dataclasses import replace
from pathlib import Path

import pytest

from geovq.cli import main
from geovq.errors import ArtifactError
from geovq.study.claims import findings
from geovq.study.methods import Method
from geovq.study.summary import read_summary, summarise, summary_text
from geovq.study.table import StudyRow, write_table
from tests.study.made_up import write_made_up_study

JOINT, REFIT = Method("weighted", "joint"), Method("weighted", "joint", refit=True)


def verdicts(rows: list[StudyRow], out: Path) -> dict[str, tuple[str, str]]:
    return {one.claim: (one.verdict, one.found) for one in findings(rows, out, n_resamples=200)}


def find(found: dict[str, tuple[str, str]], *parts: str) -> tuple[str, str]:
    (one,) = [value for claim, value in found.items() if all(part in claim for part in parts)]
    return one


def test_each_method_meets_its_rivals_and_what_its_own_search_and_refit_change(tmp_path: Path) -> None:
    factors = {Method("kmeans"): 1.0, JOINT: 0.5, REFIT: 0.25, Method("vqvae"): 1.0, Method("weighted"): 1.0}
    write_made_up_study(tmp_path, factors)
    summary = summarise(tmp_path, n_resamples=100, n_resamples_of_claims=50)
    found = {(one.method, one.other): one for one in summary.comparisons}
    assert set(found) == {
        ("weighted (own)", "vqvae (own)"),
        ("weighted (own)", "kmeans (own)"),
        ("vqvae (own)", "kmeans (own)"),
        ("weighted (joint, refit)", "weighted (joint)"),
        ("weighted (joint)", "weighted (own)"),
    }
    assert found["weighted (own)", "kmeans (own)"].outcome == "tie"
    won = found["weighted (joint)", "weighted (own)"]
    assert won.outcome == "win"
    assert won.error_ratio[0] == pytest.approx(0.5, rel=0.03)
    assert won.bits_saved[0] == pytest.approx(1, rel=0.06)  # errors halve with every bit
    text = summary_text(summary)
    assert "mnist: 2 win, 3 tie, 0 loss, 0 apart" in text
    assert won.sentence in text
    assert read_summary(tmp_path) == summary


def test_claims_are_reached_missed_or_open_by_their_whole_interval(tmp_path: Path) -> None:
    factors = {
        Method("kmeans"): 1.0,
        Method("riemannian"): 0.2,
        JOINT: 0.2,
        REFIT: 0.2,
        Method("vqvae"): 0.4,
        Method("vqvae", "joint", refit=True): 0.2 / 0.9,
    }
    found = verdicts(write_made_up_study(tmp_path, factors), tmp_path)
    reached = find(found, "k-means by its own rule")
    assert reached[0] == "reached"
    assert reached[1].startswith("0.20× (")
    assert reached[1].endswith("3 seeds, 300 images")
    assert find(found, "`riemannian`")[0] == "not reached"
    assert find(found, "4 to 6 bits", "vqvae")[0] == "undecided"  # one half, which is the aim
    verdict, words = find(found, "3 to 5 bits", "vqvae")
    assert verdict == "undecided"
    assert "the curves do not cross" in words
    # 0.2 * 2 ** -4 against 2 ** -5.5; the point of 5 bits costs more than the claim allows
    assert find(found, "below the VAE's own")[0] == "not measured"


def test_a_rate_below_the_limit_lets_the_error_of_the_autoencoder_be_compared(tmp_path: Path) -> None:
    rows = write_made_up_study(tmp_path, {REFIT: 0.2}, dataset="fashion_mnist")  # K = 256 has 5 bits, of 6.2 allowed
    verdict, words = find(verdicts(rows, tmp_path), "below the VAE's own")
    assert verdict == "reached"
    assert words.startswith(f"{0.2 * 2**0.5:.2f}× (")
    assert "at 5.00 bits; 3 seeds, 300 images" in words


@pytest.mark.parametrize(
    ("bits", "mse", "verdict"), [(90.0, 0.9, "reached"), (110.0, 1.1, "not reached"), (90.0, 1.1, "undecided")]
)
def test_the_claim_under_a_prior_needs_fewer_bits_and_no_more_error(
    tmp_path: Path, bits: float, mse: float, verdict: str
) -> None:
    rival = StudyRow(
        cell="rival",
        dataset="mnist",
        seed=0,
        tokenizer="vqvae",
        n_codes=64,
        search="joint",
        refit=True,
        prior_bits_per_image=100.0,
        mse=1.0,
        description_length=200.0,
    )
    ours = replace(rival, tokenizer="weighted", prior_bits_per_image=bits, mse=mse)
    assert find(verdicts([ours, rival], tmp_path), "learned prior")[0] == verdict
    assert find(verdicts([rival], tmp_path), "learned prior")[0] == "not measured"


def test_an_empty_folder_and_a_summary_of_another_table_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "summary", "--out", str(tmp_path)]) == 2
    assert "study.csv is missing; `geovq study` makes it." in capsys.readouterr().err
    rows = write_made_up_study(tmp_path, {Method("kmeans"): 1.0, JOINT: 0.5})
    assert main(["study", "summary", "--out", str(tmp_path)]) == 0
    write_table(tmp_path / "study.csv", rows[:3])
    with pytest.raises(ArtifactError, match="follows from another table"):
        read_summary(tmp_path)
