"""The rivals of the training benchmark do the work that ours does."""

import pytest
import torch

from geovq.benchmarks import training_rivals as rivals
from geovq.config import PriorConfig
from geovq.data import load_images

TINY = PriorConfig(n_layers=1, n_heads=2, width=16)


def test_the_loader_reads_the_images_that_ours_reads(tmp_path):
    pytest.importorskip("torchvision")
    images = load_images("mnist-sample", "train", n_images=200)
    rivals.write_idx(images, tmp_path)
    loader = rivals.usual_loader(str(tmp_path), n_workers=0)
    read, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert len(loader) == 2  # of 128 and 72
    expected = images.batch(torch.arange(200))
    order, other = (pixels.flatten(start_dim=1).double().sum(dim=1).argsort() for pixels in (read, expected))
    torch.testing.assert_close(read[order], expected[other])
    assert torch.equal(labels.sort().values, images.labels.sort().values)


def test_sampling_without_a_cache_draws_from_the_same_distributions():
    # So cold that the likeliest token is drawn, whatever the random numbers.
    cached, uncached = (sample(8, TINY, 1e-6) for sample in (rivals.sample_with_cache, rivals.sample_without_cache))
    assert torch.equal(cached, uncached)
