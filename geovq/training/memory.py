"""Keeping freed memory for the next step.

A training step asks for the same hundred megabytes again and again. By default malloc (glibc) gives large blocks back
to the system at once, which then hands out zeroed pages one fault at a time: 16,000 faults per step of the default VAE,
a fifth of its processor time.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3). Blocks of more than 32 MB always go back, which is the most that malloc raises that bound to
# by itself. 64 MB of smaller ones then stay; while training, 1 GB.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE, _KEPT, _USUALLY_KEPT = 32 << 20, 1 << 30, 64 << 20


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep what this process frees while the block runs, and give it back at the end; does nothing without glibc."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_THRESHOLD, _LARGE)
    libc.mallopt(_TRIM_THRESHOLD, _KEPT)
    try:
        yield
    finally:
        libc.mallopt(_TRIM_THRESHOLD, _USUALLY_KEPT)
        libc.malloc_trim(0)
