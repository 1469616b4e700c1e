"""The C library's allocator: having it give back what frames and networks no longer need."""

from __future__ import annotations

import ctypes
from typing import Final

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_LARGE_BYTES: Final = 1 << 20
"""Blocks from this size on, such as a network's layers, go back to the system as soon as they are freed."""

_KEPT_FREE_BYTES: Final = 8 << 20
"""So much free memory is kept for smaller blocks: less would be asked for and given back with every frame."""

_ARENAS: Final = 2
"""Separate heaps. Without a limit each thread may get its own."""


def limit_kept_memory() -> bool:
    """Have freed memory given back sooner; call it before other threads start.

    By itself the GNU C library raises its limits with every large block that is freed. Then a network that was
    replaced leaves gaps of tens of megabytes.

    Returns:
        Whether this C library took all of it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    values = {_MMAP_THRESHOLD: _LARGE_BYTES, _TRIM_THRESHOLD: _KEPT_FREE_BYTES, _ARENA_MAX: _ARENAS}
    taken = [mallopt(ctypes.c_int(option), ctypes.c_int(value)) == 1 for option, value in values.items()]
    return all(taken)
