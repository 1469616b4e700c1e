"""What commands write beside their results, as a person sees it in a terminal."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import logging
from train.common.log import log_to_stderr
log_to_stderr()
logging.warning("as libraries do")
logging.getLogger("export.pipeline").warning("few faces")
logging.getLogger("export.pipeline").info("not shown")
logging.getLogger("tensorflow").warning("5 out of the last 5 calls to %s triggered tf.function retracing.", "f")
logging.getLogger("tensorflow").error("out of memory")
"""


def test_warnings_are_plain_lines_without_hints_to_programmers() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines() == ["as libraries do", "few faces", "out of memory"]
