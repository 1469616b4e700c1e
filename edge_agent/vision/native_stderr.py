"""Keeping known messages of native libraries off the terminal, and nothing else.

TFLite, TensorFlow and the decoders of pictures write to file descriptor 2 from C++, past Python's ``sys.stderr`` and
past ``logging``, and offer no switch for some of their lines.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from edge_agent.addresses.scrubbing import scrubbed

log = logging.getLogger(__name__)

_one_at_a_time = threading.RLock()
"""Two threads that both replaced the file descriptor could put back each other's."""

_STARTUP_MESSAGES = re.compile(
    rb"INFO: "  # TFLite: "Created TensorFlow Lite XNNPACK delegate for CPU."
    rb"|I\d{4} \d\d:\d\d:|I0000 |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I "  # TensorFlow
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions:"
    rb"|E0000 .* failed call to cuInit:"  # there is no GPU, and none is needed
    rb"|fully_quantize: \d+, inference_type: "
)

DECODER_MESSAGES = re.compile(
    rb"libpng (warning|error): |Corrupt JPEG data: |Premature end of JPEG file|Invalid SOS parameters"
    rb"|Warning: unknown JFIF|Inconsistent progression sequence|Unsupported marker type|Unsupported JPEG"
    rb"|Not a JPEG file|Bogus |Huffman |(OpenCV )?TIFF|\[ ?(WARN|ERROR|INFO):\d+@"
    rb"|> "  # how OpenCV goes on after the first line of a failed check
    rb"|\s*$"
)
"""What the decoders of pictures write. None of these lines names the file or the camera."""


@dataclass(slots=True)
class HeldBack:
    """What was kept off the terminal; complete when the block has ended."""

    text: bytes = b""


@contextmanager
def without_startup_messages() -> Iterator[None]:
    """Hold back the process's stderr during the block, then pass on all of it but the known startup messages.

    Where the block raises, its exception says what went wrong, and what was held back goes to the log at debug level.
    What other threads write meanwhile arrives late. Keep the block short, and start no child process in it.
    """
    with held_back(_STARTUP_MESSAGES, rest_to_log_on_failure=True):
        yield


@contextmanager
def held_back(messages: re.Pattern[bytes], *, rest_to_log_on_failure: bool = False) -> Iterator[HeldBack]:
    """Hold back the process's stderr during the block, then pass on the lines that do not begin as ``messages`` says.

    Args:
        messages: The beginnings of lines to keep off the terminal.
        rest_to_log_on_failure: Where the block raises, other lines go to the log at debug level instead.
    """
    found = HeldBack()
    with _one_at_a_time:
        try:
            kept = os.dup(2)
        except OSError:  # a service without stderr: there is nothing to keep clean
            kept = -1
        _flush()
        with _file_in_memory() as held:
            os.dup2(held.fileno(), 2)
            failed = True
            try:
                yield found
                failed = False
            finally:
                _flush()
                if kept >= 0:
                    os.dup2(kept, 2)
                    os.close(kept)
                else:
                    os.close(2)
                held.seek(0)
                lines = held.read().splitlines(keepends=True)
                found.text = b"".join(line for line in lines if messages.match(line))
                rest = b"".join(line for line in lines if not messages.match(line))
                # FFmpeg names addresses with their passwords.
                shown = scrubbed(rest.decode("utf-8", "replace"))
                if rest and failed and rest_to_log_on_failure:
                    log.debug("written to stderr before it failed:\n%s", shown)
                elif rest and kept >= 0:
                    os.write(2, shown.encode())


def _file_in_memory() -> IO[bytes]:
    """An empty file; on a disk where the system has none in memory, as those that people only train on."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def _flush() -> None:
    if sys.stderr is not None:  # as it is where the process was started without one
        sys.stderr.flush()
