"""A program in a real terminal, as somebody at a keyboard uses it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_WITHIN_S = 100.0
_PATIENCE_S = 5.0


class TerminalSession:
    """Reads what a program shows, and types.

    Attributes:
        shown: Everything that was shown so far.
    """

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self.process, self._handle = process, handle
        self.shown = ""
        self._read_to = 0

    def expect(self, text: str) -> None:
        """Wait until the program has shown this since the last time."""
        deadline = time.monotonic() + _WITHIN_S
        while text not in self.shown[self._read_to :]:
            if time.monotonic() > deadline or not self._read(1.0):
                raise AssertionError(f"{text!r} was not shown, but:\n{self.shown[self._read_to :]}")
        self._read_to = self.shown.index(text, self._read_to) + len(text)

    def answer(self, question: str, text: str = "") -> None:
        """Wait for a question, and answer it; by default with Enter alone."""
        self.expect(question)
        self.type(text + "\n")

    def type(self, text: str) -> None:
        """Type keys."""
        os.write(self._handle, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, and again after some seconds where nothing happened, as a person does.

        A key that comes between a question and the reading of its answer is not seen before the next key. One that
        comes while the program leaves, ends it at once.
        """
        deadline = time.monotonic() + _WITHIN_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.type("\x03")
            again = time.monotonic() + _PATIENCE_S
            while self._read(0.5) and time.monotonic() < again:
                pass

    def leave(self) -> int:
        """Wait for the program's end; its exit code."""
        deadline = time.monotonic() + _WITHIN_S
        while self._read(0.5) and time.monotonic() < deadline:
            pass
        return self.process.wait(_WITHIN_S)

    def _read(self, wait_s: float) -> bool:
        """Read what is there; whether more may come."""
        ready, _, _ = select.select([self._handle], [], [], wait_s)
        if not ready:
            return self.process.poll() is None
        try:
            content = os.read(self._handle, 65536)
        except OSError:  # Linux says so where the other side is closed
            return False
        self.shown += content.decode(errors="replace").replace("\r\n", "\n")
        return bool(content)


@contextlib.contextmanager
def terminal(command: Sequence[str], folder: Path, **environment: str) -> Iterator[TerminalSession]:
    """Run a program in a terminal of 80 columns and 24 lines."""
    handle, other = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=other,
        stdout=other,
        stderr=other,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", **environment},
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(other)
    try:
        yield TerminalSession(process, handle)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(handle)


def _take_terminal() -> None:
    """Make the terminal the one that Ctrl-C in it speaks to, also where the tests run with Ctrl-C ignored."""
    import fcntl
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
