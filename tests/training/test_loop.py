from itertools import chain
from pathlib import Path

import pytest
import torch

from geovq.artifacts import write_safetensors
from geovq.errors import ArtifactError, InvalidValueError
from geovq.models import ema_quantizer, initialised
from geovq.training import PriorObjective, TokenSet, VAEObjective, fit, loop, one_cycle
from tests.training.cases import CASES, CONFIG, N_STEPS, Listener, changed, same_weights, tokens, train

KINDS = ["vae", "vqvae", "vqvae-plain", "fsq", "simvq", "prior"]


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch):
    monkeypatch.setattr(ema_quantizer, "N_WARM_UP_STEPS", 2)  # of six steps


@pytest.mark.parametrize("case", KINDS)
@pytest.mark.parametrize("stop", [1, 2, 4, 5, N_STEPS])
def test_stopped_anywhere_and_resumed_ends_with_the_same_bits(tmp_path, case, stop):
    whole, expected = train(case, tmp_path / "whole")
    listener = Listener(stop_at=(stop,))
    _, cancelled = train(case, tmp_path / "state", progress=listener)
    assert cancelled.cancelled
    assert cancelled.steps == listener.n_done == stop - 1
    resumed, result = train(case, tmp_path / "state")
    assert same_weights(whole, resumed)
    assert result.validation == expected.validation
    assert (result.steps, result.epochs, result.cancelled) == (N_STEPS, 2, False)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("case", KINDS)
def test_killed_between_checkpoints_and_resumed_ends_with_the_same_bits(tmp_path, case, precision):
    class Kill(Listener):
        def record(self, row):
            super().record(row)
            if row["step"] == 5:
                raise KeyboardInterrupt

    config = changed(precision=precision)
    whole, _ = train(case, tmp_path / "whole", config=config)
    with pytest.raises(KeyboardInterrupt):
        train(case, tmp_path / "state", config=config, progress=Kill())
    resumed, _ = train(case, tmp_path / "state", config=config)
    assert same_weights(whole, resumed)


@pytest.mark.parametrize("case", KINDS)
def test_the_result_depends_on_the_seed_and_not_on_the_global_generator(tmp_path, case):
    first, _ = train(case, tmp_path / "a")
    before = torch.rand(1), torch.get_rng_state()
    second, _ = train(case, tmp_path / "b")
    assert torch.equal(before[1], torch.get_rng_state())
    other, _ = train(case, tmp_path / "c", seed=1)
    assert same_weights(first, second)
    assert not same_weights(first, other)


def test_a_finished_run_is_read_back_without_training(tmp_path):
    model, result = train("vae", tmp_path / "state")
    listener = Listener()
    again, repeated = train("vae", tmp_path / "state", progress=listener)
    assert same_weights(model, again)
    assert repeated.validation == result.validation
    assert listener.rows == []
    assert not again.training


def test_rows_say_what_is_measured_where(tmp_path):
    listener = Listener()
    _, result = train("vae", tmp_path / "state", progress=listener)
    assert listener.starts == [("vae", N_STEPS, "steps")]
    assert listener.n_done == N_STEPS
    trained = [row for row in listener.rows if row["split"] == "train"]
    assert [row["step"] for row in trained] == list(range(1, N_STEPS + 1))
    assert [row["epoch"] for row in trained] == [1, 1, 1, 2, 2, 2]
    assert [row["learning_rate"] for row in trained] == [one_cycle(step, N_STEPS, 1e-2) for step in range(N_STEPS)]
    for row in trained:
        assert row["loss"] == pytest.approx(row["bce_nats"] + 0.1 * row["kl_nats"], rel=1e-5)
        assert row["examples_per_s"] > 0
    validated = [row for row in listener.rows if row["split"] == "validation"]
    assert [(row["step"], row["epoch"]) for row in validated] == [(3, 1), (6, 2)]
    assert {name: validated[-1][name] for name in result.validation} == result.validation
    assert {"stage", "n_steps", "elapsed_s", "active_channels"} <= set(validated[-1])


def test_long_runs_record_few_of_their_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "N_TRAIN_ROWS", 3)
    listener = Listener()
    train("prior", tmp_path / "state", progress=listener, config=changed(epochs=4))  # 12 steps
    assert [row["step"] for row in listener.rows if row["split"] == "train"] == [4, 8, 12]


def test_the_state_is_saved_when_a_minute_has_passed(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(loop, "save_training_state", lambda path, state, *_: saved.append(state.step))
    train("prior", tmp_path / "state")
    assert saved == [0, 1, 2, 3, 4, 5, 6]


def test_every_example_is_seen_once_per_epoch(tmp_path):
    class Watched(TokenSet):
        def batch(self, indices):
            seen.append(indices.tolist())
            return super().batch(indices)

    seen: list[list[int]] = []
    data = Watched(tokens(20, "train").tokens)
    model = initialised(CASES["prior"][0], 0, "weights")
    fit(
        model,
        PriorObjective(),
        data,
        tokens(2, "v"),
        CONFIG,
        stage="p",
        seed=0,
        device="cpu",
        checkpoint=tmp_path / "s",
    )
    assert [len(batch) for batch in seen] == [7, 7, 6, 7, 7, 6]
    first, second = (list(chain(*seen[start : start + 3])) for start in (0, 3))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_a_pattern_without_surprise_is_learned(tmp_path):
    pattern = TokenSet(torch.tensor([[0, 1, 2, 3, 4, 0]]).repeat(64, 1))
    model = initialised(CASES["prior"][0], 0, "weights")
    config = changed(epochs=10)
    result = fit(
        model, PriorObjective(), pattern, pattern, config, stage="p", seed=0, device="cpu", checkpoint=tmp_path / "s"
    )
    assert result.validation["nll_nats_per_token"] < 0.1  # from log 5 = 1.6


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed 0 (now 1)"),
        ({"config": changed(epochs=3)}, "training.epochs 2 (now 3)"),
        ({"objective": VAEObjective(beta=0.5)}, "objective.beta 0.1 (now 0.5)"),
        ({"n_train": 21}, "n_train 20 (now 21)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path, change, named):
    train("vae", tmp_path / "state", progress=Listener(stop_at=(3,)))
    content = (tmp_path / "state").read_bytes()
    with pytest.raises(ArtifactError) as error:
        train("vae", tmp_path / "state", **change)
    assert f"state was begun with {named}; restore that, or delete it" in str(error.value)
    assert (tmp_path / "state").read_bytes() == content


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    train("vae", tmp_path / "state", progress=Listener(stop_at=(3,)))
    with pytest.raises(ArtifactError, match=r"was begun with model 'LatticeVAE' \(now 'LatticeVQVAE'\), parameters"):
        train("vqvae", tmp_path / "state")


def test_a_checkpoint_of_another_format_is_refused(tmp_path):
    write_safetensors(tmp_path / "state", {}, kind="training-state", format=1)
    with pytest.raises(ArtifactError, match="is a training-state of format 1, where a training-state of format 2 is"):
        train("vae", tmp_path / "state")


def test_a_truncated_checkpoint_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "state"
    train("vae", path, progress=Listener(stop_at=(3,)))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match=r"state is damaged .*; delete it to train from the start"):
        train("vae", path)


def test_an_unwritable_folder_is_found_before_any_step(tmp_path):
    Path(tmp_path / "file").write_text("")
    listener = Listener()
    with pytest.raises(ArtifactError, match=r"file/state cannot be written"):
        train("vae", tmp_path / "file" / "state", progress=listener)
    assert listener.n_done == 0


def test_empty_data_is_refused(tmp_path):
    with pytest.raises(
        InvalidValueError, match="vae: training and validation need at least one example each; got 0 and 9"
    ):
        train("vae", tmp_path / "state", n_train=0)


class _Seen(VAEObjective):
    def loss(self, model, batch, draws):
        assert torch.equal(batch * 255, (batch * 255).round())  # bfloat16 has three digits, grey values have four
        return super().loss(model, batch, draws)


def test_bfloat16_trains_with_state_and_images_in_float32(tmp_path):
    config = changed(precision="bf16-mixed")
    for case in KINDS:
        model, result = train(case, tmp_path / case, config=config)
        assert all(p.dtype == torch.float32 for p in model.parameters())
        assert result.validation["loss"] < 1000
    train("vae", tmp_path / "seen", config=config, objective=_Seen(beta=0.1))
