from pathlib import Path

from geovq.runs.listing import RunSummary
from geovq.runs.process.status import State
from geovq.runs.tables import measurements_table, runs_table

KMEANS = {"n_images": 1000, "n_codes": 64, "n_used": 60, "entropy_bits": 5.19, "distortion": 0.00153, "mse": 0.01}
VAE = {"n_images": 1000, "mse": 0.00456789, "psnr_db": 23.4}


def test_measurements_are_aligned_with_units_and_the_number_of_images():
    table = measurements_table([("mnist/a", {"vae": VAE, "kmeans": KMEANS})])
    assert table.splitlines()[:5] == [
        "Measured on 1,000 held-out images",
        "run      tokenizer   K  used  bits/token  distortion      MSE  PSNR dB",
        "───────  ─────────  ──  ────  ──────────  ──────────  ───────  ───────",
        "mnist/a  vae                                          0.00457    23.40",
        "mnist/a  kmeans     64    60       5.190     0.00153  0.01000",
    ]


def test_a_refitted_decoder_has_columns_where_there_is_one():
    refitted = {
        **KMEANS,
        "refit_mse": 0.0091,
        "refit_description_length_nats": 83.44,
        "refit_samples_frechet_distance": 4,
    }
    heading, _, vae, kmeans = measurements_table([("a", {"vae": VAE, "kmeans": refitted})]).splitlines()[1:]
    assert heading.endswith("PSNR dB  refit MSE  refit BCE + prior nats  refit Fréchet")
    assert kmeans.split()[-3:] == ["0.00910", "83.4", "4.00"]
    assert vae.split()[-1] == "23.40"


def test_different_numbers_of_images_are_not_hidden():
    runs = [("a", {"vae": VAE}), ("b", {"vae": {**VAE, "n_images": 10}})]
    assert measurements_table(runs).startswith("Measured on 10 or 1,000 held-out images\n")


def summary(name, **values):
    path = Path("/outputs/mnist") / name
    values = {"state": None, "shipped": False, **values}
    return RunSummary(f"mnist/{name}", path, "mnist", name, created=0.0, measurements={}, **values)


def test_runs_have_a_line_each_and_problems_come_below():
    lines = runs_table(
        [
            summary("a", state=State.DONE),
            summary("b", problem="It is damaged; delete it."),
            summary("c"),
            summary("d", shipped=True),
        ]
    ).splitlines()
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["mnist/a", "done"],
        ["mnist/b", "damaged"],
        ["mnist/c", "no"],
        ["mnist/d", "shipped"],
    ]
    assert lines[6:] == ["", "mnist/b: It is damaged; delete it."]
    assert lines[2].endswith("/outputs/mnist/a")


def test_no_runs_say_how_to_make_one():
    assert "python -m geovq run configs/demo.yaml" in runs_table([])
