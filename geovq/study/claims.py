"""What the study must reach, and whether it does: each claim with its aim, what was found, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geovq.catalogue.tokenizers import END_TO_END
from geovq.errors import InvalidValueError
from geovq.study.comparing import Measurements, compare_curves, compare_errors
from geovq.study.curves import RateErrorCurve, crossings
from geovq.study.methods import Method, measured_rows, method_of, on_common_ground
from geovq.study.resampling import Estimate
from geovq.study.table import VAE, StudyRow

OURS = "weighted"
_EVERYWHERE = (-math.inf, math.inf)


@dataclass(frozen=True)
class Finding:
    """One claim on one data set.

    Attributes
    ----------
    claim, dataset, aim : str
    found : str
        Numbers in words; what is missing, where it was not measured.
    verdict : str
        "reached" or "not reached" where the whole 95 % interval says so, "undecided" where it holds the aim, "not
        measured".
    """

    claim: str
    dataset: str
    aim: str
    found: str
    verdict: str


@dataclass(frozen=True)
class CurveClaim:
    """Error of one method over that of rivals at equal bits per token."""

    text: str
    method: Method
    rivals: tuple[Method, ...]
    aims: dict[str, float]
    between: tuple[float, float] = _EVERYWHERE
    says_crossing: bool = False


_TRAINED = tuple(name for name in END_TO_END if not name.endswith("-plain"))
CURVE_CLAIMS = (
    CurveClaim(
        "MSE of `weighted`, joint, at equal bits/token: against k-means by its own rule",
        Method(OURS, "joint"),
        (Method("kmeans"),),
        {"mnist": 0.25, "fashion_mnist": 0.5},
    ),
    CurveClaim(
        "… against `riemannian` by its own rule",
        Method(OURS, "joint"),
        (Method("riemannian"),),
        {"mnist": 0.58, "fashion_mnist": 0.68},
    ),
    CurveClaim(
        "MSE of `weighted`, joint and refit, at 4 to 6 bits/token: against trained rivals by their own rules",
        Method(OURS, "joint", refit=True),
        tuple(Method(name) for name in _TRAINED),
        {"mnist": 0.5, "fashion_mnist": 0.65},
        (4.0, 6.0),
    ),
    CurveClaim(
        "… at 3 to 5 bits/token, against the same rivals with joint search and refit",
        Method(OURS, "joint", refit=True),
        tuple(Method(name, "joint", refit=True) for name in _TRAINED),
        {"mnist": 0.9, "fashion_mnist": 0.9},
        (3.0, 5.0),
        says_crossing=True,
    ),
)
_BELOW_VAE = {"mnist": 4.7, "fashion_mnist": 6.2}  # bits per token
_PRIOR_AIMS = {"mnist": 0.92, "fashion_mnist": 1.0}


def findings(rows: Sequence[StudyRow], out: Path, *, n_resamples: int = 1_000) -> list[Finding]:
    """Every claim on every data set that it speaks of and the study has."""
    usable = measured_rows(rows)
    datasets = sorted({row.dataset for row in usable}, reverse=True)
    found: list[Finding] = []
    for claim in CURVE_CLAIMS:
        for dataset in datasets:
            if dataset in claim.aims:
                found += [_of_curves(claim, dataset, rival, usable, out, n_resamples) for rival in claim.rivals]
    found += [_below_vae(dataset, usable, out, n_resamples) for dataset in datasets if dataset in _BELOW_VAE]
    found += [_under_prior(dataset, rows, out) for dataset in datasets if dataset in _PRIOR_AIMS]
    return found


def _of_curves(
    claim: CurveClaim, dataset: str, rival: Method, rows: Sequence[StudyRow], out: Path, n_resamples: int
) -> Finding:
    aim = claim.aims[dataset]
    text, wanted = f"{claim.text}, {rival.tokenizer}", f"≤ {aim:g}×"
    try:
        ours, theirs = on_common_ground(rows, out, dataset, (claim.method, rival))
        compared = compare_curves(ours, theirs, between=claim.between, n_resamples=n_resamples)
    except InvalidValueError as error:
        return Finding(text, dataset, wanted, str(error), "not measured")
    if math.isnan(compared.error_ratio.value):
        return Finding(text, dataset, wanted, "no common range of rates", "not measured")
    basis = f"; {compared.n_seeds} seed{'s' if compared.n_seeds > 1 else ''}, {compared.n_images:,} images"
    crossing = f"; {_crossing(ours, theirs)}" if claim.says_crossing else ""
    return Finding(
        text,
        dataset,
        wanted,
        _ratio(compared.error_ratio) + crossing + basis,
        _verdict(compared.error_ratio, aim),
    )


def _crossing(ours: Measurements, theirs: Measurements) -> str:
    """Where the curves through means over seeds and images change places."""
    mine, its = (
        RateErrorCurve.through(one.bits.mean(axis=(0, 2)), one.errors.mean(axis=(0, 2))) for one in (ours, theirs)
    )
    rates = crossings(mine, its)
    if not len(rates):
        return "the curves do not cross"
    return f"the curves cross at {', '.join(f'{rate:.2f}' for rate in rates)} bits"


def _below_vae(dataset: str, rows: Sequence[StudyRow], out: Path, n_resamples: int) -> Finding:
    most = _BELOW_VAE[dataset]
    text = f"K = 256, joint and refit: MSE below the VAE's own at ≤ {most:g} bits/token"
    ours = [row for row in rows if row.n_codes == 256] + [row for row in rows if row.tokenizer == VAE]
    cheap = [row for row in ours if row.tokenizer == VAE or (row.bits_per_token or math.inf) <= most]
    method, vae = Method(OURS, "joint", refit=True), Method(VAE, "")
    try:
        mine, its = on_common_ground(cheap, out, dataset, (method, vae), n_points=1)
    except InvalidValueError as error:
        return Finding(text, dataset, "< 1×", str(error), "not measured")
    best = int(mine.errors.mean(axis=(0, 2)).argmin())
    ratio = compare_errors(mine.errors[:, best], its.errors[:, 0], n_resamples=n_resamples)
    n_seeds, n_images = mine.errors.shape[0], mine.errors.shape[2]
    found = (
        f"{_ratio(ratio)} at {mine.bits[:, best].mean():.2f} bits; {n_seeds} seed{'s' if n_seeds > 1 else ''}, "
        f"{n_images:,} images"
    )
    return Finding(text, dataset, "< 1×", found, _verdict(ratio, 1.0))


def _under_prior(dataset: str, rows: Sequence[StudyRow], out: Path) -> Finding:
    """The point of ours with the shortest description against that of the best trained rival."""
    aim = _PRIOR_AIMS[dataset]
    text = "Under a learned prior: bits/image at equal MSE, and description length, against the best trained rival"
    with_prior = [
        row
        for row in rows
        if row.dataset == dataset and row.prior_bits_per_image is not None and not (row.error or row.ablation)
    ]
    mine = [row for row in with_prior if method_of(row) == Method(OURS, "joint", refit=True)]
    its = [row for row in with_prior if row.tokenizer in _TRAINED and row.search == "joint" and row.refit]
    if not mine or not its:
        return Finding(text, dataset, f"≤ {aim:g}×", "no prior of both", "not measured")
    ours, theirs = (min(found, key=lambda row: _under_its_prior(row)[2]) for found in (mine, its))
    my_bits, my_error, my_length = _under_its_prior(ours)
    its_bits, its_error, its_length = _under_its_prior(theirs)
    bits, error = my_bits / its_bits, my_error / its_error
    found = (
        f"{ours.tokenizer} K = {ours.n_codes}: {my_bits:.1f} bits/image, MSE {my_error:.5f}, {my_length:.1f} nats; "
        f"{theirs.tokenizer} K = {theirs.n_codes}: {its_bits:.1f} bits/image, MSE {its_error:.5f}, "
        f"{its_length:.1f} nats; ratio of bits {bits:.2f}, of MSE {error:.2f}, of description lengths "
        f"{my_length / its_length:.3f}; seed {ours.seed}, no interval"
    )
    if bits <= aim and error <= 1:
        return Finding(text, dataset, f"≤ {aim:g}×", found, "reached")
    if bits > aim and error >= 1:
        return Finding(text, dataset, f"≤ {aim:g}×", found, "not reached")
    return Finding(text, dataset, f"≤ {aim:g}×", found, "undecided")


def _under_its_prior(row: StudyRow) -> tuple[float, float, float]:
    """Bits per image, MSE and description length of a row that has all of them."""
    assert row.prior_bits_per_image is not None
    assert row.mse is not None
    assert row.description_length is not None
    return row.prior_bits_per_image, row.mse, row.description_length


def _ratio(estimate: Estimate) -> str:
    return f"{estimate.value:.2f}× ({estimate.lower:.2f} to {estimate.upper:.2f})"


def _verdict(ratio: Estimate, aim: float) -> str:
    if ratio.upper <= aim:
        return "reached"
    return "not reached" if ratio.lower > aim else "undecided"
