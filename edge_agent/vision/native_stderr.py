"""Keeping startup messages of native libraries off the terminal, and nothing else.

TFLite and TensorFlow write to file descriptor 2 from C++, past Python's ``sys.stderr`` and past ``logging``, and offer
no switch for some of their lines.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_STARTUP_MESSAGES = re.compile(
    r"INFO: "  # TFLite: "Created TensorFlow Lite XNNPACK delegate for CPU."
    r"|I\d{4} \d\d:\d\d:|I0000 |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I "  # TensorFlow
    r"|WARNING: All log messages before absl::InitializeLog"
    r"|To enable the following instructions:"
    r"|E0000 .* failed call to cuInit:"  # there is no GPU, and none is needed
    r"|fully_quantize: \d+, inference_type: "
)


@contextmanager
def without_startup_messages() -> Iterator[None]:
    """Hold back the process's stderr during the block, then pass on all of it but the known startup messages.

    Where the block raises, its exception says what went wrong, and what was held back goes to the log at debug level.
    What other threads write meanwhile arrives late. Keep the block short, and start no child process in it.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a service without stderr: there is nothing to keep clean
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode("utf-8", "replace").splitlines(keepends=True)
            rest = "".join(line for line in lines if not _STARTUP_MESSAGES.match(line))
            if rest and failed:
                log.debug("written to stderr before it failed:\n%s", rest)
            elif rest:
                os.write(2, rest.encode())
