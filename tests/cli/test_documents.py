"""Commands that write documents about runs."""

import json


def test_report_writes_one_page_about_runs_of_one_name_in_two_folders(geovq, run, tmp_path):
    page = tmp_path / "page.html"
    code, output, _ = geovq("report", run, run, "--out", page)
    assert code == 0
    assert output.startswith(f"{page}: ")
    assert page.read_text(encoding="utf-8").count(f"Held-out images: {run}") == 2


def test_notebook_is_named_after_its_run(geovq, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output, _ = geovq("notebook", run)
    assert (code, output) == (0, "tiny.ipynb repeats mnist-sample/tiny; open it with Jupyter.\n")
    assert json.loads((tmp_path / "tiny.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4


def test_what_is_no_run_is_one_sentence(refused, tmp_path):
    assert "holds no run" in refused("report", tmp_path)
    assert "holds no run" in refused("notebook", tmp_path)


def test_without_what_draws_a_report_names_the_extra(refused, run, monkeypatch):
    monkeypatch.setattr("geovq.reports.command_line.find_spec", lambda name: None if name == "plotly" else object())
    told = refused("report", run)
    assert "draws with plotly, which this environment lacks; install" in told
    assert '`pip install "geovq[app]"`' in told
