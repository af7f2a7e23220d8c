"""What an autoencoder makes of the same held-out images after each epoch: pictures and lattices, with a slider."""

from pathlib import Path

import numpy as np
import streamlit as st

from geovq.app.shared.caching import copies
from geovq.app.shared.cells import size_words
from geovq.app.shared.charts import show
from geovq.app.shared.states import guarded
from geovq.runs.stages.snapshots import Snapshot, read_snapshot, snapshot_epochs, snapshot_file
from geovq.viz import grey_tiles, mosaic_figure, signed_tiles
from geovq.viz.arrays import Array

_N_CHANNELS = 3  # whose lattices are drawn
_NEWEST = "train_newest_epoch"


@copies(64, False)
def _snapshot(run_path: str, stage: str, epoch: int, changed_at: int) -> Snapshot:
    """A snapshot; `changed_at` tells one of a training that began again from the old one."""
    return read_snapshot(Path(run_path), stage, epoch)


@guarded
def evolution(run_path: Path, stage: str, key: str, provenance: str) -> None:
    """Draw it; nothing where there are no snapshots, as of priors and of shipped runs."""
    epochs = snapshot_epochs(run_path, stage)
    if not epochs:
        return
    epoch = _epoch_picker(epochs, f"{key}_epoch_{run_path}_{stage}")
    snapshot, first, newest = (_read(run_path, stage, wanted) for wanted in (epoch, epochs[0], epochs[-1]))
    channels = newest.strongest_channels(_N_CHANNELS)
    labels = ["original", "decoded", *(f"channel {channel}" for channel in channels)]
    show(
        mosaic_figure(evolution_tiles(snapshot, newest, channels), row_labels=labels, tile_size=44),
        f"{key}_evolution_{stage}",
        alt=f"Held-out images, what is decoded from them after epoch {epoch}, and their lattices in the channels that "
        "vary most",
        title=evolution_finding(snapshot, first),
        help=f"Lattices: the posterior mean of each of the {size_words(snapshot.lattices)} cells in the channels that "
        "vary most after the newest epoch, on one scale for all epochs. Blue is below zero, red above.",
        caption=f"first {len(snapshot.images)} held-out images · {provenance}",
    )


def evolution_tiles(snapshot: Snapshot, newest: Snapshot, channels: tuple[int, ...]) -> Array:
    """Rows of tiles: originals, decoded images, one row per channel in the colours of the newest epoch's range."""
    rows = [grey_tiles(snapshot.images / 255), grey_tiles(snapshot.decoded / 255)]
    for channel in channels:
        cells = snapshot.lattices[:, channel]
        zoom = snapshot.images.shape[-1] // cells.shape[-1]
        limit = float(abs(newest.lattices[:, channel]).max())
        rows.append(signed_tiles(cells.repeat(zoom, axis=1).repeat(zoom, axis=2), limit))
    return np.stack(rows)


def evolution_finding(snapshot: Snapshot, first: Snapshot) -> str:
    """One sentence: the error of these images after an epoch, against the first."""
    words = f"After epoch {snapshot.epoch} the decoded images are off by {snapshot.mse:.4f} per pixel, squared"
    if snapshot.epoch == first.epoch or first.mse == 0:
        return words
    change = snapshot.mse / first.mse - 1
    return f"{words}: {abs(change):.0%} {'less' if change < 0 else 'more'} than after epoch {first.epoch}"


def _epoch_picker(epochs: tuple[int, ...], key: str) -> int:
    """Choose an epoch; who looks at the newest goes on to the next when it comes."""
    newest = st.session_state.setdefault(_NEWEST, {})
    if st.session_state.get(key) not in epochs or st.session_state[key] == newest.get(key):
        st.session_state[key] = epochs[-1]
    newest[key] = epochs[-1]
    if len(epochs) == 1:
        return epochs[0]
    chosen: int = st.select_slider("After epoch", epochs, key=key)
    return chosen


def _read(run_path: Path, stage: str, epoch: int) -> Snapshot:
    try:
        changed_at = snapshot_file(run_path, stage, epoch).stat().st_mtime_ns
    except FileNotFoundError:
        changed_at = 0  # gone since it was listed: reading it says so
    return _snapshot(str(run_path), stage, epoch, changed_at)
