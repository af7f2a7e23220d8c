"""Named, independent random streams from one root seed.

Every consumer names its stream, so adding one never shifts another's draws, and no global generator is touched.
"""

import zlib

import numpy as np
import torch


def seed_sequence(seed: int, stream: str) -> np.random.SeedSequence:
    """Root of one named stream."""
    # crc32, not hash(): Python salts string hashes per process.
    return np.random.SeedSequence([seed, zlib.crc32(stream.encode())])


def make_generator(seed: int, stream: str, device: str | torch.device = "cpu") -> torch.Generator:
    """Torch generator for one named use."""
    words = seed_sequence(seed, stream).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(words[0] >> np.uint64(1)))


def make_rng(seed: int, stream: str) -> np.random.Generator:
    """NumPy generator for one named use."""
    return np.random.default_rng(seed_sequence(seed, stream))


def derive_seed(seed: int, stream: str) -> int:
    """Integer in [0, 2**31) for libraries that take `random_state=`."""
    return int(seed_sequence(seed, stream).generate_state(1, np.uint32)[0] >> np.uint32(1))
