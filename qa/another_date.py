"""Run tests under another date: ``python -m qa.another_date --years 8 tests/fleet``.

What follows the options goes to pytest. A small library, built with ``cc``, shifts the clock of the day in every
process that the tests start, and leaves the monotonic clock alone. faketime shifts or breaks that one too, so that
Python's waits with a limit last for years or end at once. Exits as pytest does. Needs Linux and a C compiler.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from edge_agent.command_line import run_app
from edge_agent.errors import InputError
from qa.argument_types import finite

_DAY_S: Final = 86_400
_SOURCE: Final = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift_s(void) {
    const char *text = getenv("SHIFT_S");
    return text ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift_s();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    if (clock_gettime(CLOCK_REALTIME, &fine)) return -1;
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (now) *now = fine.tv_sec;
    return fine.tv_sec;
}
"""


def main() -> None:
    """Read the command line, run pytest, and leave with its exit code."""
    parser = argparse.ArgumentParser(prog="python -m qa.another_date", description=__doc__)
    parser.add_argument("--years", type=finite, default=8.0, help="how far ahead; negative for the past")
    options, for_pytest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        shifted = environment(Path(folder), options.years)
        sys.exit(subprocess.run([sys.executable, "-m", "pytest", *for_pytest], env=shifted, check=False).returncode)


def environment(folder: Path, years: float) -> dict[str, str]:
    """The environment of a process whose clock of the day is shifted.

    Args:
        folder: Takes the library, which must stay there meanwhile.
        years: How far ahead, in years of 365 days; negative for the past.

    Raises:
        InputError: There is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise InputError("the C compiler cc is not here", remedy="Install it: apt install gcc libc6-dev")
    source, library = folder / "shift.c", folder / "shift.so"
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    shift_s = int(os.environ.get("SHIFT_S", "0")) + round(years * 365 * _DAY_S)
    return {**os.environ, "LD_PRELOAD": str(library), "SHIFT_S": str(shift_s)}


if __name__ == "__main__":
    run_app(main)
