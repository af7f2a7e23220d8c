"""Joint search over many lattices: batches, rounds, and prices that agree with the tokens they lead to."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.chunks import in_chunks
from geovq.geometry.metric.linearisation import LinearisationPlan, linearise
from geovq.lattice import cells_of
from geovq.progress import Progress
from geovq.tokenization.search.by_metric import round_by_metric
from geovq.tokenization.search.by_trial import round_by_trial
from geovq.tokenization.search.candidates import nearest_codes
from geovq.tokenization.search.prices import Prices
from geovq.tokenization.search.problem import Problem, Standing, Targets

_LATTICES_PER_TRIAL = 128  # decoded at once where candidates are tried


@dataclass(frozen=True)
class Found:
    """Tokens of many lattices before and after a search; one row for each image.

    Attributes
    ----------
    before, after : Standing
        Without decoded images: `means` has no columns.
    n_rounds : Tensor of shape (n,)
        Accepted rounds.
    """

    before: Standing
    after: Standing
    n_rounds: Int64[Tensor, " n"]


@dataclass(frozen=True)
class JointSearch:
    """Lattices, what they should look like, and how their tokens are searched.

    Attributes
    ----------
    problem : Problem
    plan : LinearisationPlan, optional
        None for a decoder without forward-mode products.
    lattices : Tensor of shape (n, D, H, W)
    images : Tensor of shape (n, ...), optional
        Targets; decoded lattices where there are none.
    n_rounds : int
        At most.
    exact : bool
        Whether candidates are tried by decoding.
    chunk_size : int, optional
        Lattices at once.
    """

    problem: Problem
    plan: LinearisationPlan | None
    lattices: Float[Tensor, "n d h w"]
    images: Float[Tensor, "n ..."] | None
    n_rounds: int
    exact: bool
    chunk_size: int | None

    def subset(self, rows: Int64[Tensor, " m"]) -> "JointSearch":
        """The search over some of the lattices."""
        images = None if self.images is None else self.images[rows.to(self.images.device)]
        return replace(self, lattices=self.lattices[rows], images=images)

    def with_prices(self, prices: Prices) -> "JointSearch":
        """The same search at other prices."""
        return replace(self, problem=replace(self.problem, prices=prices))

    def run(self, tokens: Int64[Tensor, "n h w"], progress: Progress | None = None) -> Found:
        """Search from given tokens; never worse than those, for any image."""
        by_metric = self.plan is not None and not self.exact
        fitting = self.plan.chunk_size(self.lattices) if self.plan is not None and by_metric else _LATTICES_PER_TRIAL
        parts = in_chunks(
            lambda part: self._run_part(part, tokens[part]),
            len(tokens),
            self.chunk_size or fitting,
            phase="joint search",
            unit="images",
            progress=progress,
        )
        before, after, n_rounds = zip(*parts, strict=True)
        return Found(_joined(before), _joined(after), torch.cat(n_rounds))

    def _run_part(self, part: slice, tokens: Tensor) -> tuple[Standing, Standing, Tensor]:
        targets = self._targets(part)
        before = after = self.problem.measure(tokens, targets.images)
        n_rounds = torch.zeros(len(tokens), dtype=torch.int64, device=tokens.device)
        active = torch.arange(len(tokens), device=tokens.device)
        for _ in range(self.n_rounds):
            standing = after.at(active)
            improved = self._round(targets.at(active), standing)
            changed = (improved.tokens != standing.tokens).flatten(1).any(dim=1)
            after = after.replaced(active, improved)
            active = active[changed]  # the others would find the same again
            n_rounds[active] += 1
            if not len(active):
                break
        return before.at_no_pixel(), after.at_no_pixel(), n_rounds

    @torch.no_grad()
    def _targets(self, part: slice) -> Targets:
        lattices = self.lattices[part]
        images = self.problem.decoder(lattices) if self.images is None else self.images[part].to(lattices)
        points = (cells_of(lattices) @ self.problem.projection).reshape(len(lattices), -1, self.problem.codes.shape[1])
        return Targets(images.flatten(start_dim=1), points)

    def _round(self, targets: Targets, standing: Standing) -> Standing:
        if self.plan is not None and not self.exact:
            return round_by_metric(self.problem, self.plan, targets, standing)
        return round_by_trial(self.problem, self._near(targets, standing), targets, standing)

    def _near(self, targets: Targets, standing: Standing) -> Int64[Tensor, "n cells c"]:
        """Codes near to each cell: under its own metric, or in the latent space where the decoder has none."""
        if self.plan is None:
            a = targets.points.shape[2]
            metrics = torch.eye(a).to(targets.points).expand(*targets.points.shape[:2], a, a)
        else:
            metrics = linearise(self.problem.decoder, self.problem.lattices(standing.tokens), self.plan).blocks()[
                :, :, 0
            ]
        return nearest_codes(targets.points, metrics, self.problem.codes, self.problem.n_candidates)


def _joined(parts: tuple[Standing, ...]) -> Standing:
    columns = zip(*((part.tokens, part.means, part.errors, part.bits) for part in parts), strict=True)
    return Standing(*(torch.cat(column) for column in columns))
