"""How command lines end."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys, threading, time
import cv2, numpy as np
from edge_agent.command_line import {how}
picture = np.zeros((200, 200, 3), np.uint8)
def hold():
    while True:
        cv2.GaussianBlur(picture, (0, 0), 3)
def app():
    threading.Thread(target=hold, daemon=True).start()
    time.sleep(0.2)
    print("all done")
    sys.exit({code})
{how}(app)
"""


def end(how: str, code: int) -> subprocess.CompletedProcess[str]:
    """Run a program that ends with ``code`` while a thread of its is in OpenCV."""
    program = SCRIPT.format(how=how, code=code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("code", [0, 3])
def test_a_thread_left_behind_in_opencv_does_not_spoil_the_exit_code(code: int) -> None:
    done = end("run_app_and_leave", code)
    assert (done.returncode, done.stdout, done.stderr) == (code, "all done\n", "")
