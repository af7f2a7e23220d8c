"""Gaussian Quant's rule against densities by scipy, its laws, and the spread of its codes."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.tokenization.gaussian import gaussian_codebook, gaussian_codes


def posterior(m=200, n_channels=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mean, logvar = torch.randn(2, m, n_channels, generator=generator)
    return mean, 1.5 * logvar - 2


@pytest.mark.parametrize("prior_weight", [0.0, 1.0])
def test_codes_are_those_of_the_largest_density_ratio(prior_weight):
    (mean, logvar), codebook = posterior(), gaussian_codebook(40, 5)
    deviation = (0.5 * logvar).exp()
    log_q = norm.logpdf(codebook[None], mean[:, None], deviation[:, None]).sum(axis=2)
    ratios = log_q - prior_weight * norm.logpdf(codebook).sum(axis=1)
    codes, margins = gaussian_codes(mean, logvar, codebook, prior_weight=prior_weight)
    assert codes.tolist() == ratios.argmax(axis=1).tolist()
    ordered = np.sort(ratios, axis=1)
    np.testing.assert_allclose(margins, ordered[:, -1] - ordered[:, -2], rtol=1e-3, atol=1e-3)  # float32 scores


def test_a_channel_whose_posterior_is_the_prior_has_no_say():
    mean, logvar = posterior(n_channels=2)
    codebook = gaussian_codebook(64, 6)
    asleep = torch.zeros(200, 4)
    codes, _ = gaussian_codes(torch.cat([mean, asleep], 1), torch.cat([logvar, asleep], 1), codebook)
    expected, _ = gaussian_codes(mean, logvar, codebook[:, :2])
    assert (codes == expected).float().mean() > 0.99  # sums in another order decide near ties


def test_sharp_posteriors_take_the_nearest_code():
    mean, _ = posterior(n_channels=3)
    codebook = gaussian_codebook(50, 3)
    codes, _ = gaussian_codes(mean, torch.full_like(mean, -9.0), codebook)
    assert torch.equal(codes, torch.cdist(mean, codebook).argmin(dim=1))


def test_codes_are_spread_like_the_prior_in_every_channel():
    codebook = gaussian_codebook(1_024, 16, seed=3)
    assert codebook.shape == (1_024, 16)
    assert all(kstest(codebook[:, d], "norm").pvalue > 0.05 for d in range(16))
    assert torch.equal(codebook, gaussian_codebook(1_024, 16, seed=3))
    assert not torch.equal(codebook, gaussian_codebook(1_024, 16, seed=4))


def test_chunks_change_nothing_and_one_code_has_no_rival(monkeypatch):
    (mean, logvar), codebook = posterior(), gaussian_codebook(7, 5)
    expected = gaussian_codes(mean, logvar, codebook)
    monkeypatch.setattr("geovq.tokenization.gaussian._SCORES_PER_CHUNK", 50)
    for found, whole in zip(gaussian_codes(mean, logvar, codebook), expected, strict=True):
        assert torch.equal(found, whole)
    codes, margins = gaussian_codes(mean, logvar, codebook[:1])
    assert (codes == 0).all()
    assert torch.isinf(margins).all()


def test_bad_input_is_named():
    (mean, logvar), codebook = posterior(), gaussian_codebook(7, 5)
    with pytest.raises(ShapeError, match=r"got \(200, 5\), \(200, 4\) and \(7, 5\)"):
        gaussian_codes(mean, logvar[:, :4], codebook)
    with pytest.raises(NonFiniteError, match="logvar"):
        gaussian_codes(mean, logvar * torch.inf, codebook)
    with pytest.raises(InvalidValueError, match="n_codes and n_channels must be at least 1; got 0 and 3"):
        gaussian_codebook(0, 3)
