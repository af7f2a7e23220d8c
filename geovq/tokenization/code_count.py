"""Chooses the number of codes of a tokenizer, and reports the choice to the listener."""

from geovq.codebook import CodebookSolver, code_count_rule
from geovq.codebook.solvers import Found
from geovq.config import DiscretizationConfig
from geovq.progress import Progress


def choose_codes(solver: CodebookSolver[Found], config: DiscretizationConfig, progress: Progress | None) -> Found:
    """The codebook of the size that `config.choose_by` asks for.

    Parameters
    ----------
    solver : CodebookSolver
        Finds a codebook for any number of codes.
    config : DiscretizationConfig
        `method`, `choose_by`, `n_codes` and `target_rate_bits` are used.
    progress : Progress or None
        Where K was chosen, it is told the reason in a note, and gets a row for every K that was tried: `tokenizer`,
        `n_codes`, `cost`, `rate_bits`, `silhouette`, `taken`.
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
