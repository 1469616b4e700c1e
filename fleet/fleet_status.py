"""What is known of a fleet at this moment: the register beside what the devices' retained messages say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import UNSET, UnsetType

from edge_agent.errors import InputError
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import Health, Status, decode, encode
from edge_agent.protocol.topics import HEALTH, STATUS, Topics, parse
from fleet.broker_files import fleet_connection, publish, retained
from fleet.register import Device, Register


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the roster.

    Attributes:
        name: ``site/device``.
        state: ``online``, ``offline``, ``never seen``; ``unknown`` where the broker could not be asked.
        version: The agent's.
        model: What it runs.
        update: Of the fleet's models: version in use, state of the latest one, and why it is not in use.
        last_seen: Its last sign of life, ISO 8601; empty where there is none.
        until: When its certificate expires.
        due: Whether that is soon.
    """

    name: str
    state: str
    version: str
    model: str
    update: str
    last_seen: str
    until: datetime
    due: bool


@dataclass(slots=True)
class _Heard:
    status: Status | None = None
    health: Health | None = None


def roster(register: Register, due: tuple[Device, ...], folder: Path | None) -> list[Entry]:
    """All enrolled devices by name.

    Args:
        register: Who is enrolled.
        due: Whose certificate is due.
        folder: The fleet's folder, to ask the broker with; ``None`` not to ask.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
    """
    heard = {} if folder is None else _listen(register, folder)
    return [
        _entry(device, heard.get(device.name), asked=folder is not None, due=device in due)
        for device in register.active
    ]


def publish_offline(register: Register, folder: Path, device: Device) -> None:
    """Publish the death of a device that has been shut out: its own will is no longer allowed.

    A status that nobody can read, its last word perhaps with intent, is taken away.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
    """
    heard = _listen(register, folder).get(device.name)
    if heard is None or (heard.status is not None and heard.status.state == "offline"):
        return
    last = heard.status
    death = b"" if last is None else encode(Status(state="offline", session=last.session, reason="connection_lost"))
    topic = Topics(register.school.root, device.site, device.device).of(STATUS)
    with fleet_connection(register, folder) as connection:
        publish(connection, topic, death)


def _listen(register: Register, folder: Path) -> dict[str, _Heard]:
    everyone = Topics(register.school.root, "+", "+")
    found: dict[str, _Heard] = {}
    with fleet_connection(register, folder) as connection:
        for message in retained(connection, [everyone.of(STATUS), everyone.of(HEALTH)]):
            _take(message, register.school.root, found)
    return found


def _take(message: Received, root: str, found: dict[str, _Heard]) -> None:
    about = parse(message.topic, root)
    if about is None or not message.payload:
        return
    known = found.setdefault(f"{about.site}/{about.device}", _Heard())
    try:
        if about.name == STATUS:
            known.status = decode(message.payload, Status)
        elif about.name == HEALTH:
            known.health = decode(message.payload, Health)
    except InputError:  # a device of another version: it stays as it was known
        return


def _entry(device: Device, heard: _Heard | None, *, asked: bool, due: bool) -> Entry:
    status = heard.status if heard else None
    health = heard.health if heard else None
    times = [health.observed_at] if health else []
    if status is not None and status.at is not UNSET:
        times.append(str(status.at))
    return Entry(
        name=device.name,
        state=status.state if status else "never seen" if asked else "unknown",
        version=status.version if status else "",
        model=status.model if status else "",
        update=_update(status),
        last_seen=max(times, default=""),
        until=device.until,
        due=due,
    )


def _update(status: Status | None) -> str:
    """``v3``, ``bundled; v4 refused: ...``, ``v3; v4 downloading``: in use, and what has come or is to come of it."""
    if status is None or isinstance(status.model_update, UnsetType):
        return ""
    told = status.model_update
    used = f"v{told.version}" if told.version else told.source
    if told.state in ("none", "current"):
        return used
    if told.state == "probation":
        return f"{used} on probation"
    latest = f"v{told.wanted} " if told.wanted else ""
    return f"{used}; {latest}{told.state.replace('_', ' ')}" + (f": {told.reason}" if told.reason else "")
