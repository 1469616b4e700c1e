"""The agent on an emulated board, watching the simulated classroom and publishing to a broker on this machine."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.client import Arrived, Broker, Classroom, Expression, Health, Lost, Missing, Notice, Status, Summary
from edge_agent.errors import CheckFailed
from fleet.loadtest.local_broker import HOST
from qa.arm.emulator import Board

_TIMEOUT_S: Final = 1500.0
_OFFLINE_TIMEOUT_S: Final = 120.0
SETTINGS: Final = """
[device]
site = "arm"
id = "{device}"

[camera]
source = "simulated"
width_px = 480
height_px = 270
fps = 1
faces = 4
stall_s = 600.0

[detector]
kind = "haar"

[tracker]
forget_s = 600.0

[privacy]
level = "faces"
min_group = 1

[mqtt]
host = "{host}"
port = {port}
health_every_s = 30.0

[outbox]
path = "{outbox}"
"""


@dataclass
class Received:
    """What arrived through the broker.

    Attributes:
        kinds: How many messages of each kind.
        expressions: The expressions published.
        offline_reason: Why the device went offline, by its offline message; ``None`` until it comes.
        gaps: Gaps that were never filled.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    expressions: set[str] = field(default_factory=set)
    offline_reason: str | None = None
    gaps: list[str] = field(default_factory=list)

    def take(self, notice: Notice) -> None:
        """Note one event of the client."""
        if isinstance(notice, (Missing, Lost)):
            self.gaps.append(str(notice))
        if not isinstance(notice, Arrived):
            return
        message = notice.message
        kind = type(message).__name__.lower()
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if isinstance(message, Expression):
            self.expressions.add(message.expression)
        if isinstance(message, Status) and message.state == "offline" and isinstance(message.reason, str):
            self.offline_reason = message.reason

    @property
    def complete(self) -> bool:
        """Whether every kind of message that a device sends by itself has arrived."""
        wanted = {type_.__name__.lower() for type_ in (Status, Expression, Summary, Health)}
        return wanted <= self.kinds.keys()


def watch_simulated_classroom(board: Board, port: int, folder: Path) -> Received:
    """Run the agent until one message of each kind has arrived, then stop it as systemd would.

    Raises:
        CheckFailed: It ended by itself, was too slow, sent no offline message or left gaps.
    """
    config, log = folder / "agent.toml", folder / "agent.log"
    config.write_text(
        SETTINGS.format(device=board.processor.name, host=HOST, port=port, outbox=folder / "outbox.db"),
        encoding="utf-8",
    )
    received = Received()
    command = board.python("-m", "edge_agent.cli", "run", "--config", str(config))
    with (
        Classroom(Broker(HOST, port), site="arm", device=board.processor.name) as classroom,
        log.open("ab") as out,
        subprocess.Popen(command, env=board.environment(), stdout=out, stderr=out) as agent,
    ):
        try:
            _until(lambda: received.complete, classroom, received, agent, _TIMEOUT_S)
            agent.send_signal(signal.SIGTERM)
            _until(lambda: received.offline_reason is not None, classroom, received, None, _OFFLINE_TIMEOUT_S)
            agent.wait(_OFFLINE_TIMEOUT_S)
        except (CheckFailed, subprocess.TimeoutExpired) as error:
            raise CheckFailed(f"the agent on {board.processor.name}: {error}\n{_tail(log)}") from None
        finally:
            agent.kill()
    if agent.returncode != 0 or received.offline_reason != "stopped" or received.gaps:
        raise CheckFailed(
            f"the agent on {board.processor.name} ended with code {agent.returncode}, offline reason "
            f"{received.offline_reason!r}, {received.gaps or 'no gaps'}\n{_tail(log)}"
        )
    return received


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _until(
    condition: Callable[[], bool],
    classroom: Classroom,
    received: Received,
    agent: subprocess.Popen[bytes] | None,
    timeout_s: float,
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        for notice in classroom.poll(0.2):
            received.take(notice)
        if agent is not None and agent.poll() is not None:
            raise CheckFailed(f"ended by itself with code {agent.returncode}")
        if time.monotonic() > deadline:
            raise CheckFailed(f"only {received.kinds or 'nothing'} came within {timeout_s:.0f} s")
