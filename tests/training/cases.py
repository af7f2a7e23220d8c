"""Tiny trainings of each kind of model, a listener that remembers, and how weights are compared."""

import torch

from geovq.config import PriorConfig, TrainingConfig, VAEConfig, VQVAEConfig
from geovq.data import ImageSet
from geovq.models import FSQVAE, LatticePrior, LatticeVAE, LatticeVQVAE, PlainVQVAE, SimVQVAE, initialised
from geovq.progress import SilentProgress
from geovq.randomness import make_generator
from geovq.training import PriorObjective, TokenSet, VAEObjective, VQVAEObjective, fit
from tests.shapes import TRUNK

CONFIG = TrainingConfig(
    epochs=2,
    batch_size=8,
    learning_rate=1e-2,
    weight_decay=0.01,
    gradient_clip=5.0,
    precision="32-true",  # "auto" would round on some processors, and these tests compare sums
)

N_BATCHES = 3  # 20 examples in batches of 7, 7 and 6
N_STEPS = 2 * N_BATCHES


def images(n, stream):
    pixels = torch.randint(256, (n, 1, 28, 28), generator=make_generator(0, stream), dtype=torch.uint8)
    return ImageSet("noise", stream, pixels, torch.zeros(n, dtype=torch.int64), ("none",))


def tokens(n, stream):
    return TokenSet(torch.randint(5, (n, 2, 3), generator=make_generator(0, stream)))


def prior(dropout):
    return LatticePrior(PriorConfig(n_layers=1, n_heads=2, width=8, dropout=dropout), 5, 2, 3)


CASES = {
    "vae": (lambda: LatticeVAE(VAEConfig(latent_channels=2, width=4), *TRUNK), VAEObjective(beta=0.1), images),
    "vqvae": (
        lambda: LatticeVQVAE(VQVAEConfig(latent_channels=2, width=4, restart_below=0.5), 8, *TRUNK),
        VQVAEObjective(commitment=0.25),
        images,
    ),
    "vqvae-plain": (
        lambda: PlainVQVAE(VQVAEConfig(latent_channels=2, width=4), 8, *TRUNK),
        VQVAEObjective(commitment=0.25),
        images,
    ),
    "fsq": (lambda: FSQVAE(VQVAEConfig(width=4), 16, *TRUNK), VQVAEObjective(commitment=0.25), images),
    "simvq": (
        lambda: SimVQVAE(VQVAEConfig(latent_channels=2, width=4), 8, *TRUNK),
        VQVAEObjective(commitment=0.25),
        images,
    ),
    "prior": (lambda: prior(0.3), PriorObjective(), tokens),
    "prior without dropout": (lambda: prior(0.0), PriorObjective(), tokens),
}


class Listener(SilentProgress):
    """Keeps what it hears; asks to stop at given questions."""

    def __init__(self, stop_at=()):
        self.rows, self.starts, self.notes, self.n_done, self.n_asked, self.stop_at = [], [], [], 0, 0, stop_at

    def start(self, phase, total, unit):
        self.starts.append((phase, total, unit))

    def advance(self, n=1):
        self.n_done += n

    def record(self, row):
        self.rows.append(dict(row))

    def note(self, message):
        self.notes.append(message)

    def stop_requested(self):
        self.n_asked += 1
        return self.n_asked in self.stop_at


def train(case, checkpoint, *, seed=0, config=CONFIG, objective=None, n_train=20, **options):
    """Model and result of one fit of a case; `options` are those of `fit`."""
    build, default_objective, examples = CASES[case]
    model = initialised(build, seed, "weights")
    result = fit(
        model,
        objective or default_objective,
        examples(n_train, "train"),
        examples(9, "validation"),
        config,
        stage=case,
        seed=seed,
        device="cpu",
        checkpoint=checkpoint,
        **options,
    )
    return model, result


def changed(**settings):
    return CONFIG.model_copy(update=settings)


def same_weights(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def assert_close_weights(first, second):
    """Equal to within the rounding of sums in another order."""
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: n + m)
