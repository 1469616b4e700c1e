"""A recorder that is killed at any moment loses at most the last second, and the database stays whole."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.history import open_history
from tests.dashboard.history.samples import NINE, NORTH

_RECORDING = """
import sys, time
from dashboard.history import Recorder, open_history
from tests.dashboard.history.samples import NINE, arrived, TIMES, summary
recorder = Recorder(open_history(sys.argv[1]), now=lambda: NINE)
recorder.start()
first = int(sys.argv[2])
for seq in range(first, first + 1000000):
    recorder.take(arrived(summary(seq, NINE + seq / 1000)), TIMES)
    print(seq, time.monotonic(), flush=True)
    time.sleep(0.002)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_loses_at_most_the_last_second(tmp_path: Path, seed: int) -> None:
    draw, file = random.Random(seed), tmp_path / "history.db"
    first = 1
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _RECORDING, str(file), str(first)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(1.5 + 1.5 * draw.random())
            process.send_signal(signal.SIGKILL)
            killed_at = time.monotonic()
            lines = process.stdout.read().decode().split("\n")[:-1]
        taken = [(int(seq), float(at)) for seq, at in (line.split() for line in lines if line.count(" ") == 1)]
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            stored = {seq for (seq,) in connection.execute("SELECT seq FROM windows")}
            (known,) = connection.execute("SELECT first, last FROM received").fetchall() or [(1, 0)]
        # A transaction that was about to end takes a moment of its own on a busy machine.
        assert {seq for seq, at in taken if at < killed_at - 2.5} <= stored
        assert stored == set(range(known[0], known[1] + 1))  # rows and what is known of them are of one transaction
        first = max(stored, default=0) + 1
    history = open_history(str(file))
    assert len(history.shares(NORTH, 0, NINE + 1e6).at) == first - 1
    history.close()
