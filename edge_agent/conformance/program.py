"""A program under the kit's control: the device to be judged, or a subscriber."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping

from edge_agent.errors import InputError

_END_S = 30.0


class Program:
    """Starts a command and ends it, with everything that it has started.

    Args:
        command: As in a shell, but without one.
        env: Variables besides those of this process.

    Raises:
        InputError: The command is no command.
    """

    def __init__(self, command: str, env: Mapping[str, str] | None = None) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise InputError(f"{command!r}: {error}", expected="a command") from None
        if not self._command:
            raise InputError("an empty command", expected="a command")
        self._env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, stdout: int = subprocess.DEVNULL) -> None:
        """Start it.

        Raises:
            InputError: It cannot be started.
        """
        try:
            self.process = subprocess.Popen(
                self._command, stdout=stdout, env=self._env, text=True, start_new_session=True
            )
        except OSError as error:
            raise InputError(f"{self._command[0]}: {error.strerror}", expected="a command") from None

    def stop(self) -> None:
        """End it with SIGTERM, and wait until it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
