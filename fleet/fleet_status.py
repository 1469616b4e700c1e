"""The status of a fleet at this moment: the register, joined with the devices' retained messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import UNSET, UnsetType

from edge_agent.errors import InputError
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import Health, Status, decode, encode
from edge_agent.protocol.topics import HEALTH, STATUS, Topics, parse
from fleet.access import discovery_filter
from fleet.broker_connection import fleet_connection, publish, read_retained
from fleet.register import Device, Register


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """Of one device. Names of attributes are keys in the output of ``fleet list --json``.

    Attributes:
        name: ``site/device``.
        state: ``online``, ``offline``, ``never seen``; ``unknown`` where the broker was not asked.
        version: The agent's; empty where not known.
        model: Id of the model it runs; empty where not known.
        update: Of the fleet's models: version in use, state of the latest one, and why it is not in use.
        last_seen: Time of its last message, ISO 8601; empty where there is none.
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
class _RetainedMessages:
    status: Status | None = None
    health: Health | None = None


def fleet_status(register: Register, due: tuple[Device, ...], folder: Path | None) -> list[DeviceStatus]:
    """All enrolled devices, sorted by name.

    Args:
        register: Who is enrolled.
        due: Devices whose certificate is due.
        folder: The fleet's folder, for the connection to the broker; ``None`` not to ask it.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
    """
    messages = {} if folder is None else _read_messages(register, folder)
    return [
        _status_of(device, messages.get(device.name), asked=folder is not None, due=device in due)
        for device in register.active
    ]


def publish_offline(register: Register, folder: Path, device: Device) -> None:
    """Publish the offline message of a revoked device: the broker no longer publishes its will.

    A status that cannot be decoded, perhaps a deliberate one, is removed.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
    """
    messages = _read_messages(register, folder).get(device.name)
    if messages is None or (messages.status is not None and messages.status.state == "offline"):
        return
    last = messages.status
    offline = b"" if last is None else encode(Status(state="offline", session=last.session, reason="connection_lost"))
    topic = Topics(register.school.root, device.site, device.device).of(STATUS)
    with fleet_connection(register, folder) as connection:
        publish(connection, topic, offline)


def clear_retained(register: Register, folder: Path, device: Device) -> None:
    """Remove what a revoked device has left at the broker: its last health, its place in Home Assistant, its status.

    Subscribers have heard before that it is offline. So a page forgets it when its status goes.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
    """
    own = Topics(register.school.root, device.site, device.device)
    announced = discovery_filter(device.site, device.device)
    with fleet_connection(register, folder) as connection:
        for message in read_retained(connection, [own.of(HEALTH), announced, own.of(STATUS)]):
            if message.retained and message.payload:
                publish(connection, message.topic, b"")


def _read_messages(register: Register, folder: Path) -> dict[str, _RetainedMessages]:
    any_device = Topics(register.school.root, "+", "+")
    found: dict[str, _RetainedMessages] = {}
    with fleet_connection(register, folder) as connection:
        for message in read_retained(connection, [any_device.of(STATUS), any_device.of(HEALTH)]):
            _add(message, register.school.root, found)
    return found


def _add(message: Received, root: str, found: dict[str, _RetainedMessages]) -> None:
    topic = parse(message.topic, root)
    if topic is None or not message.payload:
        return
    known = found.setdefault(f"{topic.site}/{topic.device}", _RetainedMessages())
    try:
        if topic.name == STATUS:
            known.status = decode(message.payload, Status)
        elif topic.name == HEALTH:
            known.health = decode(message.payload, Health)
    except InputError:  # from a device of another version
        return


def _status_of(device: Device, messages: _RetainedMessages | None, *, asked: bool, due: bool) -> DeviceStatus:
    status = messages.status if messages else None
    health = messages.health if messages else None
    times = [health.observed_at] if health else []
    if status is not None and status.at is not UNSET:
        times.append(str(status.at))
    return DeviceStatus(
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
    """The model in use and the state of the latest: ``v3``, ``v3 (bundled)``,
    ``bundled; v4 refused: ...``, ``v3; v4 downloading``."""
    if status is None or isinstance(status.model_update, UnsetType):
        return ""
    update = status.model_update
    used = f"v{update.version}" if update.version else update.source
    if update.state == "current" and update.wanted and not update.version:
        return f"v{update.wanted} ({update.source})"  # the model in use has been published
    if update.state in ("none", "current"):
        return used
    if update.state == "probation":
        return f"{used} on probation"
    latest = f"v{update.wanted} " if update.wanted else ""
    return f"{used}; {latest}{update.state.replace('_', ' ')}" + (f": {update.reason}" if update.reason else "")
