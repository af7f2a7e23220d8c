"""How a tokenizer comes to its number of codes, and who is told."""

from geovq.codebook import CodebookSolver, code_count_rule
from geovq.codebook.solvers import Found
from geovq.config import DiscretizationConfig
from geovq.progress import Progress


def choose_codes(solver: CodebookSolver[Found], config: DiscretizationConfig, progress: Progress | None) -> Found:
    """The codebook that `config.choose_by` leads to.

    Where K was chosen, the reason is noted, and every number that was tried is recorded: `tokenizer`, `n_codes`,
    `cost`, `rate_bits`, `silhouette`, `taken`.
    """
    found, choice = code_count_rule(config).choose(solver)
    if choice is None or progress is None:
        return found
    progress.note(f"{config.method}: {choice.reason}")
    tried = zip(choice.candidates, choice.costs, choice.rates_bits, choice.silhouettes, strict=True)
    for n_codes, cost, rate_bits, silhouette in tried:
        progress.record(
            {
                "tokenizer": config.method,
                "n_codes": int(n_codes),
                "cost": float(cost),
                "rate_bits": float(rate_bits),
                "silhouette": float(silhouette),
                "taken": bool(n_codes == choice.n_codes),
            }
        )
    return found
