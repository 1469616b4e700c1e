"""The school's page beside the demonstration: a process of its own, with settings and a store that go with it."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rich.text import Text

_DEFAULT_PORT = 8480
_END_WITHIN_S = 5.0
_SAYS = "the page is at "


class DemoPage:
    """Shows the demonstration's broker in a browser. Use as a context manager; it does not wait for the page.

    Args:
        broker_port: Of the demonstration's broker on this machine.
        port: Where the page listens; 0 takes the default port, or a free one where that is taken.
        on_address: Called with the page's address, on a thread of its own.

    Attributes:
        address: Where the page can be opened; empty until then.
        trouble: Why there is no page; empty where all is well.
    """

    def __init__(self, broker_port: int, port: int, on_address: Callable[[str], None]) -> None:
        self._broker_port, self._port, self._on_address = broker_port, port, on_address
        self._folder = tempfile.TemporaryDirectory(prefix="edge-agent-demo-")
        self._process: subprocess.Popen[str] | None = None
        self.address = self.trouble = ""

    def __enter__(self) -> DemoPage:
        settings = Path(self._folder.name) / "dashboard.toml"
        settings.write_text(
            "\n".join(
                [
                    "[broker]",
                    'host = "127.0.0.1"',
                    f"port = {self._broker_port}",
                    'protocol = "3.1.1"',
                    "[page]",
                    f"port = {self._port or _default_or_free_port()}",
                    'school = "Demo"',
                    "[store]",
                    f"place = {json.dumps(str(Path(self._folder.name) / 'demo.db'))}",
                ]
            )
        )
        command = [sys.executable, "-m", "edge_agent.cli", "dashboard", "--config", str(settings)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demonstration, which then ends this process itself
        )
        threading.Thread(target=self._listen, args=(self._process,), name="demo-page", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    def as_text(self) -> Text:
        """What to say of it on the terminal."""
        if self.address:
            return Text.assemble("The same in a browser:  ", (self.address, "bold"))
        return Text(f"no page: {self.trouble}" if self.trouble else "the page is being started ...", "dim")

    def _listen(self, process: subprocess.Popen[str]) -> None:
        last = ""
        assert process.stdout is not None
        for line in process.stdout:
            last = line.strip() or last
            if last.startswith(_SAYS):
                self.address = last.removeprefix(_SAYS)
                self._on_address(self.address)
        self.address, self.trouble = "", last or "it has ended"


def _default_or_free_port() -> int:
    for port in (_DEFAULT_PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
    return _DEFAULT_PORT
