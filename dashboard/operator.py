"""Carries out what an operator asks of a device, through an account at the broker of its own.

The page's other account only reads. This one is connected for the moment of a command, so that nothing else can use it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from dashboard.settings import DashboardSettings, naming_keys_of
from edge_agent.client.events import Device
from edge_agent.client.wording import for_programs
from edge_agent.clock import utc_text
from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError, InputError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Acknowledged, Closed, Received, Subscribed
from edge_agent.protocol.messages import Command, Desired, Reply, decode, encode
from edge_agent.protocol.topics import COMMAND, DESIRED, HEALTH, REPLY, STATUS, Topics

_ANSWER_S: Final = 5.0
_RETAINED_S: Final = 0.2
"""For brokers that send what they keep a moment after they have answered a subscription."""
_COMMAND_EXPIRY_S: Final = 60


class Operator:
    """Sends commands. Every call makes a connection and closes it; any thread may call.

    Args:
        settings: The page's; they name the account.
        clock: Unix seconds now.
    """

    def __init__(self, settings: DashboardSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock

    @property
    def available(self) -> bool:
        """Whether the settings name an account for it."""
        return self._settings.operator_broker.given

    def mute(self, device: Device, muted: bool) -> None:
        """Have a device close its camera, or open it again. The broker keeps the request for one that is away.

        Args:
            device: Which.
            muted: Whether the camera is to be closed.

        Raises:
            BrokerError: The broker cannot be reached, or does not let the account do it.
            ConfigError: There is no such account, or its password file or certificate cannot be used.
        """
        topics = Topics(self._settings.broker.root, device.site, device.id)
        with self._connected() as link:
            link.subscribe(topics.of(DESIRED))
            # The broker answers in order: with the second answer all has come that it keeps for the first.
            link.subscribe(topics.of(REPLY))
            link.wait(lambda: False, _RETAINED_S)
            known = Desired()
            for message in link.received(topics.of(DESIRED)):
                with contextlib.suppress(InputError):
                    known = decode(message.payload, Desired)
            # What else is asked for there stays asked for.
            desired = replace(known, muted=muted, issued_at=utc_text(self._clock()))
            link.publish(topics.of(DESIRED), encode(desired), retain=True)

    def remove(self, device: Device) -> None:
        """Delete what the broker keeps of a device that is gone: its status and its last health report.

        A request to close its camera stays. So it holds where a device of that name comes back.

        Args:
            device: Which.

        Raises:
            BrokerError: As for :meth:`mute`.
            ConfigError: As for :meth:`mute`.
        """
        topics = Topics(self._settings.broker.root, device.site, device.id)
        with self._connected() as link:
            for name in (HEALTH, STATUS):  # who sees its status go has nothing left of it
                link.delete(topics.of(name))

    def snapshot(self, device: Device) -> Reply | None:
        """Ask a device which faces are present now.

        Args:
            device: Which.

        Returns:
            Its answer; ``None`` where none came in time.

        Raises:
            BrokerError: As for :meth:`mute`.
            ConfigError: As for :meth:`mute`.
        """
        topics = Topics(self._settings.broker.root, device.site, device.id)
        command = Command(id=f"page-{secrets.token_hex(8)}", command="snapshot")
        answers: list[Reply] = []
        with self._connected() as link:
            link.subscribe(topics.of(REPLY))
            link.publish(topics.of(COMMAND), encode(command), expiry_s=_COMMAND_EXPIRY_S)

            def answered() -> bool:
                for message in link.received(topics.of(REPLY)):
                    with contextlib.suppress(InputError):
                        reply = decode(message.payload, Reply)
                        if reply.id == command.id:
                            answers.append(reply)
                return bool(answers)

            link.wait(answered, _ANSWER_S)
        return answers[0] if answers else None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[_Link]:
        try:
            with naming_keys_of("operator_broker"):
                link = _Link(Broker.from_settings(self._account()))
        except BrokerError as error:
            raise for_programs(error) from None
        try:
            yield link
        finally:
            link.close()

    def _account(self) -> MqttSettings:
        settings, account = self._settings.broker.as_mqtt(), self._settings.operator_broker
        tls = replace(settings.tls, cert=account.cert, key=account.key)
        return replace(settings, username=account.username, password_file=account.password_file, tls=tls)


class _Link:
    """A connection with what has come in on it."""

    def __init__(self, broker: Broker) -> None:
        from edge_agent.mqtt.connection import Connection  # here: paho takes a while to import

        self._connection = Connection(broker, f"page-operator-{secrets.token_hex(8)}")
        self._broker = broker
        self._messages: list[Received] = []
        self._subscribed: list[Subscribed] = []
        self._acknowledged: dict[int, Acknowledged] = {}

    def subscribe(self, topic: str) -> None:
        before = len(self._subscribed)
        self._connection.subscribe([topic])
        if not self.wait(lambda: len(self._subscribed) > before, _ANSWER_S):
            raise BrokerError(f"broker {self._broker} does not answer", remedy="Try again")
        if self._subscribed[-1].refused:
            raise self._denied(topic)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        packet = self._connection.publish(topic, payload, retain=retain, expiry_s=expiry_s)
        if not self.wait(lambda: packet in self._acknowledged, _ANSWER_S):
            raise BrokerError(f"broker {self._broker} does not answer", remedy="Try again")
        if not self._acknowledged[packet].ok:
            raise self._denied(topic)

    def delete(self, topic: str) -> None:
        """Have the broker forget what it keeps of a topic."""
        self.publish(topic, b"", retain=True)

    def received(self, topic: str) -> list[Received]:
        """What has come in on a topic and has not been taken yet."""
        found = [message for message in self._messages if message.topic == topic]
        self._messages = [message for message in self._messages if message.topic != topic]
        return found

    def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Let the connection work until something holds; whether it did in time."""
        deadline = time.monotonic() + within_s
        while not done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            for event in self._connection.poll(min(left_s, 0.1)):
                if isinstance(event, Received):
                    self._messages.append(event)
                elif isinstance(event, Subscribed):
                    self._subscribed.append(event)
                elif isinstance(event, Acknowledged):
                    self._acknowledged[event.packet_id] = event
                elif isinstance(event, Closed):
                    raise BrokerError(f"connection to broker {self._broker} lost: {event.reason}", remedy="Try again")
        return True

    def close(self) -> None:
        self._connection.close()

    def _denied(self, topic: str) -> BrokerError:
        return BrokerError(
            f"broker {self._broker}: the operator's account may not use {topic}",
            remedy="Write its access rules: sudo edge-agent fleet apply",
        )
