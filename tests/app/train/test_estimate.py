from geovq.app.train.estimate import RunTime, basis_sentence, time_sentence
from geovq.runs.estimates import StageEstimate

VAE, PRIOR = StageEstimate("vae", 60.0, "mnist/one"), StageEstimate("prior:kmeans", 30.0, "mnist/two")
UNKNOWN = StageEstimate("vqvae", None, "")


def test_known_stages_are_added_and_unknown_ones_are_said() -> None:
    assert time_sentence(RunTime([VAE, PRIOR], ()), False) == "Takes about 1 min 30 s"
    assert time_sentence(RunTime([VAE, UNKNOWN], ()), False) == "Takes about 1 min 0 s, and 1 stage of unknown length"


def test_what_may_stop_early_is_an_upper_bound() -> None:
    assert "at most 1 min 0 s" in time_sentence(RunTime([VAE], ()), True)


def test_nothing_is_invented_where_nothing_is_known() -> None:
    assert time_sentence(RunTime([UNKNOWN], ()), False) == "No estimate yet"
    assert "The first one tells" in basis_sentence(RunTime([UNKNOWN], ()))


def test_nothing_to_do_takes_no_time() -> None:
    assert time_sentence(RunTime([], ()), True) == "Nothing is left to do: all of it is made"


def test_the_run_behind_most_of_it_is_named() -> None:
    assert basis_sentence(RunTime([VAE, PRIOR, UNKNOWN], ())).startswith("Scaled from mnist/one and 1 more, by")


def test_a_run_of_another_machine_is_called_so() -> None:
    assert "came with geovq: this machine may be faster or slower" in basis_sentence(RunTime([VAE], {"vae"}))
