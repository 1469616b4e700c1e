"""The connection of a dashboard to a broker, and everything that happens to it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge_agent.backoff import Backoff
from edge_agent.client.events import BrokerChanged, Denied, Device, Notice, Unreadable
from edge_agent.client.gaps import Patience
from edge_agent.client.journal import Journal, Request
from edge_agent.client.liveness import DeviceState
from edge_agent.client.timestamps import Dated
from edge_agent.client.wording import for_programs
from edge_agent.clock import utc_text
from edge_agent.errors import BrokerError, InputError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.events import Acknowledged, Closed, Received, Subscribed
from edge_agent.protocol.catalogue import TYPES
from edge_agent.protocol.messages import Command, Desired, Expression, Health, Summary, decode, encode
from edge_agent.protocol.topics import (
    COMMAND,
    DESIRED,
    EXPRESSION,
    HEALTH,
    REPLY,
    SEQUENCED,
    STATUS,
    SUMMARY,
    Topics,
    asker_command_topic,
    parse,
    resent_topic,
)

if TYPE_CHECKING:
    from edge_agent.mqtt.connection import Connection

_FOLLOWED = (STATUS, HEALTH, EXPRESSION, SUMMARY, REPLY, DESIRED)
_RETAINED = (STATUS, HEALTH, DESIRED)
_COMMAND_EXPIRY_S = 60
_STEP_S = 0.2
_TICK_S = 0.1
"""How often it is looked for what is due. That takes time for each device, so it is not done for each message."""


class Classroom:
    """Follows the devices at a broker: each event once, gaps filled from the devices' own store, and honest liveness.

    Everything happens inside :meth:`poll`, on the caller's thread, so call it at least every few seconds; iterating
    calls it for ever::

        with Classroom(Broker("broker.local")) as classroom:
            for notice in classroom:
                print(notice)

    Args:
        broker: Where to connect.
        root: First part of the topics.
        site: One site, or ``+`` for all.
        device: One device, or ``+`` for all.
        client_id: A name of your own makes the broker keep what arrives while you are away, for ``away_s``; without it
            every connection starts afresh, and what was missed is asked for.
        away_s: How long the broker keeps it, in seconds. Without ``client_id`` it is not used.
        catch_up: Whether to ask also for what devices still hold from before they were first heard of; or the names of
            the topics for which to do that, ``summary`` or ``expression``.
        patience: When to ask for what is missing.
        share: Name of a group of subscribers among whom the broker divides events and summaries (MQTT 5), so that
            no single program has to take them all. Status and health go to each. A member sees only a part and cannot
            know what is missing, so that it neither reports gaps nor asks for them. The members' common store judges:
            the same ``event_id`` twice is the same event, and ``seq`` without a gap by device, session and topic is all
            of it. With a ``client_id`` of its own a member finds its share when it comes back within ``away_s``. What
            it does not fetch by then is lost to the group.
        only_alone: Whether to ask for nothing where the broker's rules would send the answer to all subscribers.
        worded: Changes the remedies of errors; by default they name the arguments of ``Broker``.

    Raises:
        InputError: A group with MQTT 3.1.1 or ``catch_up``, or a name that MQTT does not allow.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        root: str = "classroom",
        site: str = "+",
        device: str = "+",
        client_id: str = "",
        away_s: int = 3600,
        catch_up: bool | Collection[str] = False,
        patience: Patience | None = None,
        share: str = "",
        only_alone: bool = False,
        worded: Callable[[BrokerError], BrokerError] = for_programs,
    ) -> None:
        self._worded = worded
        if share:
            _check_share(share, broker, catch_up=bool(catch_up))
        self._broker, self._root = broker, root
        topics = Topics(root, site, device)
        self._filters = [
            f"$share/{share}/{topics.of(name)}" if share and name in SEQUENCED else topics.of(name)
            for name in _FOLLOWED
        ]
        self._client_id = client_id or f"{root}:client:{os.urandom(6).hex()}"
        asker = "" if share else f"{_level(broker.username) or '-'}/{_level(self._client_id)}"
        self._asker_filter = resent_topic(root, asker, site, device, "+") if asker else ""
        self._filters += [self._asker_filter] if asker else []
        self._session_expiry_s = away_s if client_id else 0
        self._journal = Journal(
            os.urandom(4).hex(),
            catch_up=catch_up,
            patience=patience,
            whole=not share,
            asker=asker,
            asker_filter=self._asker_filter,
            only_alone=only_alone,
        )
        self._connection: Connection | None = None
        self._retry, self._retry_at = Backoff(1.0, 30.0), 0.0
        self._tick_at = 0.0
        self._last_error = ""
        self._commands = 0
        self._desired: dict[Device, Desired] = {}
        self._published: dict[int, str] = {}
        self._requested: dict[int, Request] = {}
        self._on_request_topic = False
        self._denied: set[str] = set()

    def __enter__(self) -> Classroom:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while True:
            yield from self.poll(1.0)

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def states(self) -> dict[Device, DeviceState]:
        """Every device heard of, and whether it is alive."""
        return self._journal.states()

    def already_has(self, device: Device, session: str, topic: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Tell which events this program has from before, so that they neither arrive nor are asked for again.

        Call it before the first :meth:`poll`, for each session and topic of which there is anything.

        Args:
            device: Whose.
            session: The run that sent them.
            topic: ``summary`` or ``expression``.
            ranges: Their numbers, each range with its first and last.
        """
        self._journal.already_has(device, session, topic, ranges, time.monotonic())

    def poll(self, timeout_s: float = 1.0) -> list[Notice]:
        """Wait for something to report, at most about ``timeout_s`` (longer while a connection is being made).

        Raises:
            ConnectError: The broker does not accept this client, or denies a subscription.
        """
        deadline = time.monotonic() + timeout_s
        notices: list[Notice] = []
        while not notices and (left := deadline - time.monotonic()) > 0:
            if self._connection is None:
                notices += self._connect(left)
            else:
                notices += self._receive(self._connection, min(left, _STEP_S))
        return notices

    def time_of(self, device: Device, message: Expression | Summary | Health) -> Dated:
        """When a message was observed. Of a device whose clock was not set then, it may be known later."""
        return self._journal.time_of(device, message)

    def send(self, device: Device, command: str) -> str:
        """Send a command such as ``snapshot``; returns its id, which the :class:`Reply` will carry.

        Raises:
            BrokerError: There is no connection.
        """
        connection = self._open_connection()
        self._commands += 1
        command_id = f"{self._client_id}-{self._commands}"[-64:]
        self._request(connection, Request(device, Command(id=command_id, command=command)))
        return command_id

    def mute(self, device: Device, muted: bool) -> None:
        """Have a device close its camera, or open it again; ``health`` reports when it has.

        The broker keeps the request, so that it also reaches a device that is away.

        Raises:
            BrokerError: There is no connection.
        """
        known = self._desired.get(device, Desired())  # what else is asked for there stays asked for
        desired = replace(known, muted=muted, issued_at=utc_text(time.time()))
        self._publish(self._open_connection(), device, DESIRED, encode(desired), retain=True)

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise BrokerError(f"no connection to broker {self._broker}", remedy="Send the command when there is one")
        return self._connection

    def _connect(self, within_s: float) -> list[Notice]:
        wait_s = self._retry_at - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, within_s))
            return []
        from edge_agent.mqtt.connection import Connection  # not earlier: paho doubles the time to import this module

        try:
            connection = Connection(self._broker, self._client_id, session_expiry_s=self._session_expiry_s)
        except BrokerError as error:
            if isinstance(error, ConnectError) and not error.temporary:
                raise self._worded(error) from None
            return self._lost(str(self._worded(error)))
        connection.subscribe(self._filters)
        self._connection, self._last_error = connection, ""
        self._published, self._denied, self._requested, self._on_request_topic = {}, set(), {}, False
        self._retry.reset()
        self._journal.connected(time.monotonic(), datetime.now(tz=timezone.utc))
        return [BrokerChanged(connected=True, reason="")]

    def _receive(self, connection: Connection, timeout_s: float) -> list[Notice]:
        notices: list[Notice] = []
        for event in connection.poll(timeout_s):
            if isinstance(event, Received):
                notices += self._read(event)
            elif isinstance(event, Acknowledged):
                notices += self._acknowledged(event)
            elif isinstance(event, Subscribed) and event.refused:
                if refused := [topic for topic in event.refused if topic != self._asker_filter]:
                    self.close()
                    raise self._worded(ConnectError(self._broker, 0x87, f"no subscription to {', '.join(refused)}"))
                notices += self._journal.not_alone(at_all=True)
            elif isinstance(event, Closed):
                self._connection = None
                return notices + self._lost(f"connection to broker {self._broker} lost: {event.reason}")
        if (now := time.monotonic()) >= self._tick_at:
            self._tick_at = now + _TICK_S
            changes, requests = self._journal.tick(now)
            for request in requests:
                self._request(connection, request)
            notices += changes
        return notices

    def _acknowledged(self, answer: Acknowledged) -> list[Notice]:
        """The broker has answered a publish; a notice only where it refuses one for the first time."""
        topic = self._published.pop(answer.packet_id, "")
        request = self._requested.pop(answer.packet_id, None)
        on_commands = request is not None and topic == self._command_topic(request.device)
        if not answer.ok and request is not None and on_commands and self._connection is not None:
            self._on_request_topic = True  # an account that may only read asks on its own request topic
            self._request(self._connection, request)
            return []
        if request is not None:  # it may ask nowhere: what that is called is the topic of commands
            topic = self._command_topic(request.device)
        if answer.ok or topic in self._denied:
            return []
        self._denied.add(topic)
        return [Denied(topic, answer.reason.lower())]

    def _read(self, received: Received) -> list[Notice]:
        address = parse(received.topic, self._root)
        if address is None:
            return []
        if not received.payload and address.name in _RETAINED:  # how what the broker keeps is deleted
            device = Device(address.site, address.device)
            if address.name == DESIRED:
                self._desired.pop(device, None)
                return []
            return self._journal.removed(device, address.name)
        try:
            message = decode(received.payload, TYPES[address.name])
        except InputError as error:
            return [Unreadable(received.topic, str(error))]
        if isinstance(message, Desired):
            self._desired[Device(address.site, address.device)] = message
            return []
        return self._journal.apply(
            address, message, time.monotonic(), retained=received.retained, late=received.historical
        )

    def _command_topic(self, device: Device) -> str:
        return Topics(self._root, device.site, device.id).of(COMMAND)

    def _request(self, connection: Connection, request: Request) -> None:
        device, asker = request.device, request.command.reply_to
        topic = self._command_topic(device)
        alone = request.command.command == "resend" and isinstance(asker, str)
        if alone and self._on_request_topic:
            topic = asker_command_topic(self._root, str(asker), device.site, device.id)
        packet = connection.publish(topic, encode(request.command), expiry_s=_COMMAND_EXPIRY_S)
        self._published[packet] = topic
        if alone:
            self._requested[packet] = request

    def _publish(
        self,
        connection: Connection,
        device: Device,
        name: str,
        payload: bytes,
        *,
        retain: bool = False,
        expiry_s: int = 0,
    ) -> None:
        topic = Topics(self._root, device.site, device.id).of(name)
        self._published[connection.publish(topic, payload, retain=retain, expiry_s=expiry_s)] = topic

    def _lost(self, reason: str) -> list[Notice]:
        """There is no connection; reported once, until there has been one again."""
        self._retry_at = time.monotonic() + self._retry.next()
        first = not self._last_error
        self._last_error = reason
        return [BrokerChanged(connected=False, reason=reason), *self._journal.disconnected()] if first else []


def _level(name: str) -> str:
    """A name as one level of a topic."""
    return re.sub(r"[/+#\x00-\x1f]", "_", name)[:64]


def _check_share(share: str, broker: Broker, *, catch_up: bool) -> None:
    if set(share) & set("/+#"):
        raise InputError("share", received=repr(share), expected="a name without /, + and #")
    if broker.protocol != "5":
        raise InputError(f"share {share!r} at broker {broker}", received=f"MQTT {broker.protocol}", expected="MQTT 5")
    if catch_up:
        raise InputError(f"share {share!r} with catch_up", remedy="Let one subscriber outside the group catch up")
