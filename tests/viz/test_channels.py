import numpy as np

from geovq.viz.channels import channel_curves, channel_figure

ROWS = [
    {"split": "train", "step": 1, "epoch": 1, "loss": 3.0},
    {"split": "validation", "epoch": 1, "active_channels": 3, "kl_nats/00": 1.0, "kl_nats/01": 5.0, "kl_nats/02": 2.0},
    {"split": "validation", "epoch": 2, "active_channels": 1, "kl_nats/00": 0.0, "kl_nats/01": None, "kl_nats/02": 9.0},
]


def test_every_channel_has_a_value_per_epoch_and_a_gap_where_there_is_none():
    curves = channel_curves(ROWS)
    np.testing.assert_array_equal(curves.kl_nats, [[1, 5, 2], [0, np.nan, 9]])
    assert curves.epochs.tolist() == [1, 2]
    assert curves.n_active.tolist() == [3, 1]


def test_the_strongest_channel_of_the_last_epoch_stands_on_top():
    (heat,) = channel_figure(channel_curves(ROWS)).data
    assert heat.y[0] == "2"
    np.testing.assert_array_equal(heat.z[0], [2, 9])
    assert channel_figure(channel_curves(ROWS)).layout.yaxis.autorange == "reversed"


def test_channels_are_counted_and_not_spelled():
    row = {"split": "validation", "epoch": 1} | {f"kl_nats/{channel:02d}": float(channel) for channel in range(120)}
    curves = channel_curves([row])
    assert curves.kl_nats[0].tolist() == list(range(120))
    assert curves.ranking.tolist() == list(range(119, 87, -1))


def test_a_training_without_channels_has_no_figure():
    assert channel_curves([{"split": "validation", "epoch": 1, "loss": 1.0}]) is None
    assert channel_curves([]) is None
