"""A Mosquitto on a loopback port of this machine, for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import BrokerError

HOST: Final = "127.0.0.1"
_START_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """A broker that listens.

    Attributes:
        port: On the loopback address.
        pid: Its process.
    """

    port: int
    pid: int


@contextmanager
def local_broker(folder: Path, config: str = "allow_anonymous true\n") -> Iterator[LocalBroker]:
    """Start Mosquitto on a free loopback port; it ends with the context.

    Args:
        folder: Where its configuration and its log go.
        config: Lines of configuration besides the listener.

    Raises:
        BrokerError: Mosquitto is not installed or does not start.
    """
    program = mosquitto_path()
    if program is None:
        raise BrokerError("Mosquitto is not installed", remedy="sudo apt install mosquitto")
    port, log = _free_port(), folder / "mosquitto.log"
    file = folder / "mosquitto.conf"
    # Started as root, it would become another user, who cannot read the folder's files.
    own_user = "user root\n" if os.geteuid() == 0 else ""
    file.write_text(f"{own_user}listener {port} {HOST}\n{config}", encoding="utf-8")
    with log.open("ab") as out, subprocess.Popen([program, "-c", str(file)], stdout=out, stderr=out) as process:
        try:
            _wait_until_listening(process, port, log)
            yield LocalBroker(port, process.pid)
        finally:
            process.terminate()


def mosquitto_path() -> str | None:
    """Where Mosquitto is, also where the search path does not have the administrator's folders."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        if _listens(port):
            return
        time.sleep(0.02)
    last_lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise BrokerError(f"Mosquitto does not start: {'; '.join(last_lines) or 'its log is empty'}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
