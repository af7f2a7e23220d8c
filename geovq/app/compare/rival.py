"""The tokenizer that is trained end to end stands in every verdict, whatever two are chosen."""

from geovq.app.compare import data as compare_data
from geovq.app.compare.controls import names_of
from geovq.app.compare.data import Measure, Side
from geovq.app.compare.verdict import verdict

RIVAL = "vqvae"


def against_rival(a: Side, b: Side, measure: Measure) -> str:
    """A against the VQ-VAE of its run in a sentence; what is so where there is none, empty where A or B is one."""
    if RIVAL in (a.tokenizer, b.tokenizer):
        return ""
    if RIVAL not in a.run.tokenizers:
        return f"Run {a.run.id} has no VQ-VAE, which is trained end to end; choose one of another run as B"
    refitted = a.decoder == "refit" and RIVAL in a.run.decoders
    rival = Side(a.run, RIVAL, "refit" if refitted else "own", a.images)
    return verdict(
        compare_data.difference(a, rival, measure),
        float(compare_data.errors(rival, measure).mean()),
        compare_data.rate_bits(a),
        compare_data.rate_bits(rival),
        measure,
        names_of(a, rival),
    )
