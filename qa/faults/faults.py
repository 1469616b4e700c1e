"""The faults: what is done to broker, line, device, disk and clock during a round.

Each function gets a running device, disturbs it at random moments and returns when everything works again.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from qa.faults import cameras, certificates, disks, streams
from qa.faults.rig import Rig

_PERSISTENT = "persistence true\npersistence_location {folder}/\n"


def _nothing(_rig: Rig) -> None:
    """The broker needs no files."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: Its name in the table.
        inject: Causes it, and ends it.
        broker_keeps: Whether the broker keeps what it has acknowledged. If not, ``mosquitto_sub`` may miss events.
        prepare: Prepares the rig and starts the device.
        broker_config: Lines of Mosquitto's configuration; ``{folder}`` is the broker's own folder, ``{tls_port}`` the
            port of its own where the device is to connect.
        furnish: Writes what the broker needs before it starts.
        share: How often it is chosen, relative to 1. Faults that take long are chosen less.
        fast: Whether the device makes many events a second.
        may_lose: Whether the disk may lose events. All that a subscriber can know of must be reported as lost then.
        runs_apart: Whether events of an earlier run may come after those of a later one, because the disk with them
            cannot be read at first.
        client_watches: Whether the client must be there from the start, because the device may forget what it
            delivered.
    """

    name: str
    inject: Callable[[Rig], None]
    broker_keeps: bool = True
    prepare: Callable[[Rig], None] = Rig.start
    broker_config: str = ""
    furnish: Callable[[Rig], None] = _nothing
    share: float = 1.0
    fast: bool = True
    client_watches: bool = False
    may_lose: bool = False
    runs_apart: bool = False


def broker_killed(rig: Rig) -> None:
    """``kill -9`` of the broker at any moment, sometimes twice."""
    for _ in range(rig.rng.choice((1, 1, 2))):
        rig.pause(0.0, 0.8)
        rig.broker.kill()
        rig.pause(0.0, 0.5)
        rig.broker.start()


def broker_restarted(rig: Rig) -> None:
    """The broker is stopped in good order, as by an update, and started again."""
    rig.pause(0.0, 0.8)
    rig.broker.stop()
    rig.pause(0.0, 0.8)
    rig.broker.start()


def line_cut(rig: Rig) -> None:
    """The connection breaks several times while events are sent."""
    for _ in range(rig.rng.randint(1, 5)):
        rig.pause(0.0, 0.4)
        rig.line.cut()


def line_half_open(rig: Rig) -> None:
    """The connection stays open but carries nothing; what is sent into it is lost."""
    rig.pause(0.0, 0.5)
    rig.line.freeze()
    rig.pause(0.2, 2.0)
    rig.line.thaw()


def line_away(rig: Rig) -> None:
    """No network for a while."""
    rig.pause(0.0, 0.3)
    rig.line.shut()
    rig.pause(0.3, 1.5)
    rig.line.reopen()


def broker_slow(rig: Rig) -> None:
    """Every answer is late, and now and then the broker hangs."""
    rig.line.delay_s = rig.rng.uniform(0.01, 0.1)
    for _ in range(rig.rng.randint(1, 3)):
        rig.pause(0.1, 0.4)
        rig.broker.pause()
        rig.pause(0.1, 0.8)
        rig.broker.resume()
    rig.line.delay_s = 0.0


def agent_killed(rig: Rig) -> None:
    """``kill -9`` of the agent at random moments, also while it starts."""
    for _ in range(rig.rng.randint(1, 3)):
        rig.pause(0.0, 1.2)
        rig.kill()
        rig.start()


def agent_stopped_with_a_full_queue(rig: Rig) -> None:
    """SIGTERM while the broker is away and hundreds of events wait."""
    rig.line.shut()
    rig.wait_for_events(rig.rng.randint(50, 400))
    rig.terminate()
    rig.line.reopen()
    rig.start()


def everything_killed(rig: Rig) -> None:
    """A power cut in the whole school: agent and broker die at once, and come back in any order."""
    rig.pause(0.2, 1.0)
    rig.broker.kill()
    rig.kill()
    first, second = rig.rng.sample([rig.start, rig.broker.start], 2)
    first()
    rig.pause(0.0, 0.5)
    second()


def clock_stepped(rig: Rig) -> None:
    """The clock jumps back and forth by up to years, also across a restart and while the broker is away."""
    for sign in rig.rng.sample((-1, 1), 2):
        rig.pause(0.0, 0.4)
        away = rig.rng.random() < 0.5
        if away:
            rig.line.shut()
        rig.set_clock_wrong(sign * rig.rng.choice((2.0, 3600.0, 86400.0, 4e7)))
        rig.wait_for_events(20)
        if rig.rng.random() < 0.6:
            rig.kill()
            rig.start()
        if away:
            rig.line.reopen()
    rig.set_clock_wrong(0.0)


def clock_years_off(rig: Rig) -> None:
    """The device starts with a clock that is years off, as one without a battery does, and gets the time later."""
    year = 365.25 * 86400.0
    off = rig.rng.choice((-_since_1970(), -_since_1970() + 10 * year, -5 * year, 12 * year, 80 * year))
    away = rig.rng.random() < 0.5
    if away:
        rig.line.shut()
    rig.wait_for_events(rig.rng.randint(20, 100))
    for _ in range(rig.rng.randint(1, 2)):
        rig.rng.choice((rig.kill, rig.terminate))()
        rig.set_clock_wrong(off)
        rig.start()
        rig.wait_for_events(rig.rng.randint(20, 100))
    if rig.rng.random() < 0.5:
        rig.kill()
        rig.set_clock_wrong(0.0)
        rig.start()
    rig.set_clock_wrong(0.0)
    rig.wait_for_events(20)
    rig.line.reopen()


def _since_1970() -> float:
    return time.time()


def twin_with_the_same_id(rig: Rig) -> None:
    """Another device has the same id for a while: the two take each other's connection away."""
    rig.pause(0.0, 0.5)
    rig.start_twin()
    rig.wait_for_events(rig.rng.randint(50, 400))
    rig.pause(1.0, 4.0)
    rig.stop_twin()


def with_a_wrong_password(rig: Rig) -> None:
    """Start a device whose password the broker does not accept."""
    _write_password(rig, "another one")
    (rig.folder / "secret").write_text("right\n")
    rig.mqtt = f'username = "pi"\npassword_file = "{rig.folder / "secret"}"'
    rig.broker.reload()
    rig.start()


def password_put_right(rig: Rig) -> None:
    """The broker gets the right password some time after it has refused the device."""
    rig.wait_for_log("refuses the connection")
    rig.wait_for_events(rig.rng.randint(1, 200))
    _write_password(rig, "right")
    rig.broker.reload()


def _write_password(rig: Rig, password: str) -> None:
    file = rig.broker.folder / "passwords"
    file.unlink(missing_ok=True)
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "pi", password], check=True, capture_output=True)


def storm(rig: Rig) -> None:
    """Several other faults, one after the other."""
    for fault in rig.rng.sample((line_cut, line_half_open, broker_slow, agent_killed, broker_killed), 3):
        fault(rig)


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
    Fault("bits flipped in the outbox at rest", disks.bits_flipped_at_rest, client_watches=True, may_lose=True),
    Fault("bits flipped in the outbox in use", disks.bits_flipped_in_use, client_watches=True, may_lose=True),
    Fault("outbox file or its log cut off", disks.cut_off, client_watches=True, may_lose=True),
    Fault(
        "disk read-only after a power cut",
        disks.read_only_from_the_start,
        prepare=disks.with_an_own_disk,
        share=0.6,
        client_watches=True,
        runs_apart=True,
    ),
    Fault(
        "disk read-only in use, then another one",
        disks.read_only_in_use,
        prepare=disks.with_a_card,
        share=0.6,
        client_watches=True,
        runs_apart=True,
    ),
    Fault(
        "no inodes left",
        disks.no_inodes,
        prepare=disks.with_an_own_disk,
        share=0.6,
        client_watches=True,
        runs_apart=True,
    ),
    Fault("clock stepped both ways", clock_stepped),
    Fault("clock years off", clock_years_off),
    Fault("another device with the same id", twin_with_the_same_id),
    Fault(
        "certificate out of date, then renewed",
        certificates.renewed,
        broker_config=certificates.TLS_LISTENER,
        furnish=certificates.out_of_date,
    ),
    Fault(
        "wrong password, then the right one",
        password_put_right,
        prepare=with_a_wrong_password,
        broker_config="allow_anonymous true\npassword_file {folder}/passwords\n",
    ),
    Fault("several of these", storm, broker_keeps=False),
    Fault("camera gone, hung and back", cameras.gone_and_back, prepare=cameras.with_a_camera, share=0.4, fast=False),
    Fault("camera frozen, dark and back", cameras.blind_and_back, prepare=cameras.with_a_camera, share=0.4, fast=False),
    Fault("bad pictures in the stream", streams.bad_pictures, prepare=streams.with_a_stream, share=0.4, fast=False),
    Fault(
        "stream frozen, silent or over, and back",
        streams.frozen_silent_or_over,
        prepare=streams.with_a_stream,
        share=0.4,
        fast=False,
    ),
    Fault("truncated model file", cameras.model_truncated, prepare=cameras.with_a_model, share=0.4, fast=False),
)
