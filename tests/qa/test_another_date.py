"""Programs under another date."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qa.another_date import environment

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt install gcc libc6-dev")

_CLOCKS = "import datetime, time; print(time.time(), datetime.datetime.now().timestamp(), time.monotonic())"


def test_the_date_is_another_and_the_monotonic_clock_is_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CLOCKS]
    done = subprocess.run(command, env=environment(tmp_path, 8), capture_output=True, text=True, check=True)
    of_the_day, of_datetime, monotonic = map(float, done.stdout.split())
    ahead_s = 8 * 365 * 86_400
    assert of_the_day == pytest.approx(time.time() + ahead_s, abs=60)
    assert of_datetime == pytest.approx(time.time() + ahead_s, abs=60)
    assert monotonic == pytest.approx(time.monotonic(), abs=60)
