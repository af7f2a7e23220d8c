"""Words explained in one line each, and numbers, times and places of progress written for people."""

from geovq.catalogue.tokenizers import TOKENIZERS
from geovq.runs.process.status import State, Status
from geovq.viz import tokenizer_style

GLOSSARY = {
    "lattice": "The latent image: a grid of cells, each a short vector; the decoder paints the pixels from it.",
    "channel": "One number of every cell's vector. Most channels of a trained VAE hardly vary: they are not in use.",
    "tokenizer": "Replaces each cell by the nearest of K codes, so that an image becomes one whole number "
    "(token) per cell.",
    "code": "One of the K latent vectors that a cell may be replaced by.",
    "medoid": "A code that is itself a landmark: the most central one of its cluster.",
    "landmark": "One of the cells from real images on which the neighbour graph stands.",
    "distortion": "Mean squared pixel difference between the image decoded with and without replacing cells by codes: "
    "the error that quantizing alone makes. Lower is better.",
    "rate": "Bits per token: the entropy of the codes, which is what one token costs to store if only the frequencies "
    "of codes are known. Lower is cheaper.",
    "entropy": "How evenly codes are used, in bits: log2 K if all K are equally frequent, 0 if one does it all.",
    "perplexity": "2 to the power of the entropy: the number of equally frequent codes that would be as uncertain.",
    "dead": "A code that no cell of the held-out images is replaced by.",
    "mse": "Mean squared difference between the pixels of the original and of the reconstruction (white is 1).",
    "psnr": "The same error on a logarithmic scale, in decibels. Higher is better; 3 dB is half the squared error.",
    "bce": "Cross-entropy between original and reconstruction, summed over the pixels, in nats. Lower is better.",
    "nll": "Negative log-likelihood: how surprised the prior is by held-out tokens. Lower is better; "
    "1 nat is 1.44 bits.",
    "bits": "What storing the tokens of one image costs with the best code that the prior allows.",
    "prior": "A small Transformer that has learned which token follows which, row by row, and so can draw new images.",
    "temperature": "Below 1 the prior plays safe, above 1 it takes more risks.",
    "top_p": "Draw only from the likeliest tokens that together have this probability.",
    **{name: description.gloss for name, description in TOKENIZERS.items()},
    "held_out": "Images that no model saw while it was trained.",
    "beta": "How strongly the VAE is pressed to keep its latents simple. Too high, and it stops using them.",
}

STATE_BADGES = {
    State.QUEUED: ("queued", "hourglass_empty", "gray"),
    State.RUNNING: ("running", "play_arrow", "blue"),
    State.CANCELLING: ("cancelling", "pending", "orange"),
    State.CANCELLED: ("cancelled", "cancel", "orange"),
    State.FAILED: ("failed", "error", "red"),
    State.DONE: ("done", "check_circle", "green"),
    State.LOST: ("lost", "help", "red"),
}


def duration(seconds: float | None) -> str:
    """Seconds for people: "42 s", "3 min 20 s", "2 h 5 min"."""
    if seconds is None:
        return "unknown"
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def stage_title(stage: str) -> str:
    """Words for the name of a stage: "prior:riemannian" -> "prior (Riemannian)"."""
    kind, _, name = stage.partition(":")
    if name:
        return f"{kind} ({_model_or_tokenizer(name)})"
    return _model_or_tokenizer(kind)


def _model_or_tokenizer(name: str) -> str:
    return "VAE" if name == "vae" else tokenizer_style(name).label


def progress_sentence(status: Status) -> str:
    """Stage, phase, step of N, rate and time left, as far as they are known."""
    parts = []
    if status.n_stages:
        parts.append(f"Stage {status.stage_index} of {status.n_stages}: {stage_title(status.stage)}")
    if status.phase and status.phase != status.stage:
        parts.append(status.phase)
    if status.total:
        parts.append(f"{min(status.step, status.total):,} of {status.total:,} {status.unit}")
    if status.rate_per_s:
        parts.append(f"{status.rate_per_s:.3g} {status.unit} per second")
    if status.eta_s is not None:
        parts.append(f"{duration(status.eta_s)} left in this phase")
    return " · ".join(parts) or status.message or status.state.value


def progress_fraction(status: Status) -> float:
    """How far a job is, in [0, 1]: whole stages and the part of the one at work. Stages differ in length."""
    if status.state is State.DONE:
        return 1.0
    if not status.n_stages:
        return 0.0
    within = min(status.step / status.total, 1.0) if status.total else 0.0
    return min(max((status.stage_index - 1 + within) / status.n_stages, 0.0), 1.0)
