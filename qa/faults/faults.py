"""The faults: what is done to broker, line, device, disk and clock in the course of a round.

Each function finds a device at work, disturbs it at random moments and returns when everything is mended.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from qa.faults import cameras, disks
from qa.faults.stage import Stage

_PERSISTENT = "persistence true\npersistence_location {folder}/\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble.

    Attributes:
        name: What it is called in the table.
        play: Does it.
        broker_keeps: Whether the broker keeps what it has acknowledged; if not, a plain subscriber may miss events.
        prepare: Sets the scene and starts the device.
        broker_config: Lines of Mosquitto's configuration; ``{folder}`` is the broker's own folder.
        share: How often it is drawn, against 1 of the others; what takes long is drawn less.
        fast: Whether the device makes many events a second.
        client_watches: Whether the client has to be there from the start, for the device may forget what it delivered.
    """

    name: str
    play: Callable[[Stage], None]
    broker_keeps: bool = True
    prepare: Callable[[Stage], None] = Stage.start
    broker_config: str = ""
    share: float = 1.0
    fast: bool = True
    client_watches: bool = False


def broker_killed(stage: Stage) -> None:
    """``kill -9`` of the broker at any moment, also twice."""
    for _ in range(stage.draw.choice((1, 1, 2))):
        stage.pause(0.0, 0.8)
        stage.broker.kill()
        stage.pause(0.0, 0.5)
        stage.broker.start()


def broker_restarted(stage: Stage) -> None:
    """The broker is stopped in good order, as by an update, and started again."""
    stage.pause(0.0, 0.8)
    stage.broker.stop()
    stage.pause(0.0, 0.8)
    stage.broker.start()


def line_cut(stage: Stage) -> None:
    """The connection breaks several times in the middle of things."""
    for _ in range(stage.draw.randint(1, 5)):
        stage.pause(0.0, 0.4)
        stage.line.cut()


def line_half_open(stage: Stage) -> None:
    """The connection stays open and carries nothing any more; what goes into it is lost."""
    stage.pause(0.0, 0.5)
    stage.line.freeze()
    stage.pause(0.2, 2.0)
    stage.line.thaw()


def line_away(stage: Stage) -> None:
    """No network for a while."""
    stage.pause(0.0, 0.3)
    stage.line.shut()
    stage.pause(0.3, 1.5)
    stage.line.reopen()


def broker_slow(stage: Stage) -> None:
    """Everything takes its time, and now and then the broker hangs."""
    stage.line.delay_s = stage.draw.uniform(0.01, 0.1)
    for _ in range(stage.draw.randint(1, 3)):
        stage.pause(0.1, 0.4)
        stage.broker.pause()
        stage.pause(0.1, 0.8)
        stage.broker.resume()
    stage.line.delay_s = 0.0


def agent_killed(stage: Stage) -> None:
    """``kill -9`` of the agent at random moments, also while it starts."""
    for _ in range(stage.draw.randint(1, 3)):
        stage.pause(0.0, 1.2)
        stage.kill()
        stage.start()


def agent_stopped_with_a_full_queue(stage: Stage) -> None:
    """SIGTERM while the broker is away and hundreds of events wait."""
    stage.line.shut()
    stage.wait_for_events(stage.draw.randint(50, 400))
    stage.terminate()
    stage.line.reopen()
    stage.start()


def everything_killed(stage: Stage) -> None:
    """A power cut in the whole school: agent and broker die at once, and come back in any order."""
    stage.pause(0.2, 1.0)
    stage.broker.kill()
    stage.kill()
    first, second = stage.draw.sample([stage.start, stage.broker.start], 2)
    first()
    stage.pause(0.0, 0.5)
    second()


def clock_stepped(stage: Stage) -> None:
    """The clock jumps back and forth by up to years, also across a restart and while the broker is away."""
    for sign in stage.draw.sample((-1, 1), 2):
        stage.pause(0.0, 0.4)
        away = stage.draw.random() < 0.5
        if away:
            stage.line.shut()
        stage.set_clock_wrong(sign * stage.draw.choice((2.0, 3600.0, 86400.0, 4e7)))
        stage.wait_for_events(20)
        if stage.draw.random() < 0.6:
            stage.kill()
            stage.start()
        if away:
            stage.line.reopen()
    stage.set_clock_wrong(0.0)


def with_a_wrong_password(stage: Stage) -> None:
    """Start a device whose password the broker does not accept."""
    _write_password(stage, "another one")
    (stage.folder / "secret").write_text("right\n")
    stage.mqtt = f'username = "pi"\npassword_file = "{stage.folder / "secret"}"'
    stage.broker.reload()
    stage.start()


def password_put_right(stage: Stage) -> None:
    """The broker learns the device's password some time after it has refused it."""
    stage.wait_for_log("refuses the connection")
    stage.wait_for_events(stage.draw.randint(1, 200))
    _write_password(stage, "right")
    stage.broker.reload()


def _write_password(stage: Stage, password: str) -> None:
    file = stage.broker.folder / "passwords"
    file.unlink(missing_ok=True)
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "pi", password], check=True, capture_output=True)


def storm(stage: Stage) -> None:
    """Several of the others, one after the other."""
    for fault in stage.draw.sample((line_cut, line_half_open, broker_slow, agent_killed, broker_killed), 3):
        fault(stage)


FAULTS = (
    Fault("broker killed, it keeps nothing on disk", broker_killed, broker_keeps=False),
    Fault("broker killed, with persistence", broker_killed, broker_keeps=False, broker_config=_PERSISTENT),
    Fault("broker restarted, it keeps nothing on disk", broker_restarted, broker_keeps=False),
    Fault("broker restarted, with persistence", broker_restarted, broker_config=_PERSISTENT),
    Fault("connection cut", line_cut),
    Fault("connection half-open", line_half_open),
    Fault("network away", line_away),
    Fault("slow broker", broker_slow),
    Fault("agent killed with kill -9", agent_killed),
    Fault("agent stopped with a full queue", agent_stopped_with_a_full_queue),
    Fault("agent and broker killed at once", everything_killed, broker_keeps=False),
    Fault("disk full", disks.full, prepare=disks.with_a_small_disk, share=0.6, client_watches=True),
    Fault("outbox file damaged while at rest", disks.damaged_at_rest, client_watches=True),
    Fault("outbox file with a backlog, its head damaged", disks.damaged_under_a_backlog, client_watches=True),
    Fault("outbox file damaged while in use", disks.damaged_in_use, client_watches=True),
    Fault("clock stepped both ways", clock_stepped),
    Fault(
        "wrong password, then the right one",
        password_put_right,
        prepare=with_a_wrong_password,
        broker_config="allow_anonymous true\npassword_file {folder}/passwords\n",
    ),
    Fault("several of these", storm, broker_keeps=False),
    Fault("camera gone, hung and back", cameras.gone_and_back, prepare=cameras.with_a_camera, share=0.4, fast=False),
    Fault("camera frozen, dark and back", cameras.blind_and_back, prepare=cameras.with_a_camera, share=0.4, fast=False),
    Fault("truncated model file", cameras.model_truncated, prepare=cameras.with_a_model, share=0.4, fast=False),
)
