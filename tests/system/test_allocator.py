"""Memory that is freed goes back to the system, in a process of its own: the setting cannot be undone."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Frees a large block first: by that the GNU C library raises its limit, unless it was told not to.
FREE_AND_TELL = """
import ctypes, os
from edge_agent.system.allocator import limit_kept_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

assert limit_kept_memory()
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
c.free(c.malloc(24 << 20))
before = resident()
blocks = [c.malloc(4 << 20) for _ in range(8)]
for block in blocks:
    ctypes.memset(block, 1, 4 << 20)
filled = resident() - before
for block in blocks[:-1]:
    c.free(block)
print(filled >> 20, (resident() - before) >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides by itself")
def test_freed_large_blocks_go_back_to_the_system_below_one_that_is_in_use() -> None:
    done = subprocess.run([sys.executable, "-c", FREE_AND_TELL], capture_output=True, text=True, check=True)
    filled_mb, left_mb = map(int, done.stdout.split())
    assert filled_mb >= 31
    assert left_mb <= 6
