"""What a dashboard gets to know: the notices of a :class:`~edge_agent.client.Classroom`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.client.liveness import DeviceState
from edge_agent.protocol.messages import Expression, Health, Reply, Status, Summary


class Device(NamedTuple):
    """Which device, within the broker's root topic."""

    site: str
    id: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message has come: an event for the first time, any other as often as it is sent.

    Attributes:
        device: Who sent it.
        message: What it says; its type is its kind.
        late: Whether the device marked it as sent late or again.
        retained: Whether the broker had kept it from before the subscription.
    """

    device: Device
    message: Expression | Summary | Health | Status | Reply
    late: bool
    retained: bool


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A device has come, gone or fallen silent. ``reason``: why it is offline, where it is."""

    device: Device
    state: DeviceState
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Events from ``first`` to ``last`` exist and have not come; the device is asked for them until they do."""

    device: Device
    session: str
    topic: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Events from ``first`` to ``last`` will not come: the device no longer holds them."""

    device: Device
    session: str
    topic: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message on a topic of the contract that does not follow it."""

    topic: str
    reason: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Somebody has deleted what the broker kept of a device. ``topic``: its ``status`` or its ``health``."""

    device: Device
    topic: str


@dataclass(frozen=True, slots=True)
class BrokerChanged:
    """The connection to the broker was made, or is lost. While it is lost nothing can be said about any device."""

    connected: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The broker's access rules do not let this client publish on a topic, so commands and requests do not arrive.

    Reported once a topic and connection, and only under MQTT 5: older brokers keep it to themselves.

    Where ``topic`` begins with the root and ``resent``, events that are asked for again do not come to this client
    alone. That is reported once. They are then asked for on the devices' own topics, where all subscribers get them.
    """

    topic: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotForwarded:
    """Events of a topic exist and do not reach this subscriber: a bridge or access rules hold the whole topic back.

    Its events are neither reported as missing nor asked for, until one comes.
    """

    device: Device
    topic: str


Notice = Arrived | StateChanged | Missing | Lost | Unreadable | Removed | BrokerChanged | Denied | NotForwarded
