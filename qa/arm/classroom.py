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

_PATIENCE_S: Final = 1500.0
_GOODBYE_S: Final = 120.0
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
class Heard:
    """What came through the broker.

    Attributes:
        kinds: How many messages of each kind.
        expressions: The expressions told.
        farewell: Why the device said it leaves; empty until it does.
        trouble: Gaps that were never filled.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    expressions: set[str] = field(default_factory=set)
    farewell: str = ""
    trouble: list[str] = field(default_factory=list)

    def take(self, notice: Notice) -> None:
        """Note what the client tells."""
        if isinstance(notice, (Missing, Lost)):
            self.trouble.append(str(notice))
        if not isinstance(notice, Arrived):
            return
        message = notice.message
        kind = type(message).__name__.lower()
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if isinstance(message, Expression):
            self.expressions.add(message.expression)
        if isinstance(message, Status) and message.state == "offline" and isinstance(message.reason, str):
            self.farewell = message.reason

    @property
    def complete(self) -> bool:
        """Whether every kind of message that a device sends by itself has come."""
        wanted = {type_.__name__.lower() for type_ in (Status, Expression, Summary, Health)}
        return wanted <= self.kinds.keys()


def watch_simulated_classroom(board: Board, port: int, folder: Path) -> Heard:
    """Run the agent until one message of each kind has come, then stop it as systemd would.

    Raises:
        CheckFailed: It ended, was too slow, did not say goodbye or left gaps.
    """
    config, log = folder / "agent.toml", folder / "agent.log"
    config.write_text(
        SETTINGS.format(device=board.processor.name, host=HOST, port=port, outbox=folder / "outbox.db"),
        encoding="utf-8",
    )
    heard = Heard()
    command = board.python("-m", "edge_agent.cli", "run", "--config", str(config))
    with (
        Classroom(Broker(HOST, port), site="arm", device=board.processor.name) as classroom,
        log.open("ab") as out,
        subprocess.Popen(command, env=board.environment(), stdout=out, stderr=out) as agent,
    ):
        try:
            _until(lambda: heard.complete, classroom, heard, agent, _PATIENCE_S)
            agent.send_signal(signal.SIGTERM)
            _until(lambda: bool(heard.farewell), classroom, heard, None, _GOODBYE_S)
            agent.wait(_GOODBYE_S)
        except (CheckFailed, subprocess.TimeoutExpired) as error:
            raise CheckFailed(f"the agent on {board.processor.name}: {error}\n{_tail(log)}") from None
        finally:
            agent.kill()
    if agent.returncode != 0 or heard.farewell != "stopped" or heard.trouble:
        raise CheckFailed(
            f"the agent on {board.processor.name} left with {agent.returncode}, farewell "
            f"{heard.farewell!r}, {heard.trouble or 'no gaps'}\n{_tail(log)}"
        )
    return heard


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _until(
    condition: Callable[[], bool],
    classroom: Classroom,
    heard: Heard,
    agent: subprocess.Popen[bytes] | None,
    patience_s: float,
) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        for notice in classroom.poll(0.2):
            heard.take(notice)
        if agent is not None and agent.poll() is not None:
            raise CheckFailed(f"ended by itself with {agent.returncode}")
        if time.monotonic() > deadline:
            raise CheckFailed(f"only {heard.kinds or 'nothing'} came within {patience_s:.0f} s")
