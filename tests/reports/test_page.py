"""The HTML page about runs: what is on it, and that it fetches nothing."""

import re
import shutil
from pathlib import Path

import pytest

from geovq.errors import ArtifactError
from geovq.reports.page import runs_report
from geovq.runs import Run, open_run


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return open_run(tiny_run)


@pytest.fixture(scope="module")
def document(run: Run) -> str:
    return runs_report([run], [run.id])


def headings(document: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", document)


def test_the_page_has_settings_rates_measurements_pictures_and_samples(document: str, run: Run) -> None:
    assert headings(document) == [
        "Rate and error: mnist",
        "All measurements",
        f"Held-out images: {run.id}",
        f"Samples: {run.id}, k-means",
        f"Samples: {run.id}, Riemannian",
        "Settings",
    ]
    assert "vae.latent_channels" in document
    assert f"{run.measurements['riemannian']['mse']:.5g}" in document
    assert run.fingerprint in document


def test_the_page_fetches_nothing(document: str) -> None:
    outside_of_code = re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", outside_of_code)
    assert not re.search(r"<script[^>]*\ssrc=", document)


def test_two_runs_share_a_plane_and_have_a_column_each(run: Run) -> None:
    document = runs_report([run, run], ["first", "second"])
    assert headings(document).count("Rate and error: mnist") == 1
    assert {"Held-out images: first", "Held-out images: second"} <= set(headings(document))
    assert re.search(r"<th>first</th>\s*<th>second</th>", document)


def test_a_run_that_was_not_measured_is_refused_with_the_remedy(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bare"
    path.mkdir()
    shutil.copy(run.path / "config.yaml", path)
    with pytest.raises(ArtifactError, match="has no measurements yet; `python -m geovq run"):
        runs_report([open_run(path)], ["bare"])


def test_without_its_images_a_run_is_shown_on_the_sample_s(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geovq.reports.page.at_hand", lambda dataset: "fashion_mnist-sample")
    assert "images of fashion_mnist-sample." in runs_report([run], [run.id])
