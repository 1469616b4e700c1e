"""The one object the rest of the agent knows of messaging."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping

from edge_agent.clock import Clock, SystemClock
from edge_agent.config import Settings
from edge_agent.device.builders import MessageBuilder
from edge_agent.device.commands import CommandDesk, Handler
from edge_agent.device.device_session import OnDesired, Presence
from edge_agent.device.home_assistant import HomeAssistant
from edge_agent.device.instance_lock import acquire
from edge_agent.device.publisher import Publisher, PublisherTiming
from edge_agent.device.statistics import MessengerStatistics
from edge_agent.device.unqueued import Letter
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Received
from edge_agent.outbox.outbox import Outbox
from edge_agent.protocol.messages import (
    DeclarationMark,
    Expression,
    Health,
    HealthReport,
    ModelUpdate,
    Summary,
    encode,
)
from edge_agent.protocol.topics import EXPRESSION, SUMMARY, Topics
from edge_agent.types import ExpressionChange, WindowSummary


class Messenger:
    """Numbers, dates and stores what the pipeline finds, publishes it, and answers commands.

    :meth:`expression` and :meth:`summary` wait for neither disk nor network.

    Args:
        settings: The agent's settings.
        labels: The expressions the model knows, in the order of its outputs.
        model_id: First 12 hex digits of the model file's sha256.
        clock: Where time comes from.
        commands: What carries out commands besides ``ping`` and ``resend``, by name, on the publisher's thread.
        on_desired: Called on the publisher's thread, at every connect and every change, with what the device should be,
            and whether that is all that was asked for: of a malformed message only a wish to close the camera is known.
        on_other: Called on the publisher's thread with what comes in on topics asked for by :meth:`set_subscriptions`.
        timing: How patient to be with the broker.
        declaration: What may be told of the operator's declaration.

    Raises:
        ConfigError: The password file or a certificate cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        labels: tuple[str, ...],
        model_id: str,
        clock: Clock | None = None,
        commands: Mapping[str, Handler] | None = None,
        on_desired: OnDesired | None = None,
        on_other: Callable[[Received], None] | None = None,
        timing: PublisherTiming | None = None,
        declaration: DeclarationMark | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._broker = broker = Broker.from_settings(settings.mqtt)
        self._lock: socket.socket | None = None
        self._per_face = settings.privacy.level == "faces"
        self.topics = Topics(settings.mqtt.root, settings.device.site, settings.device.id)
        self._outbox = Outbox(
            settings.outbox,
            clock,
            on_ready=lambda: self._publisher.wake(),
            forbidden_topics=() if self._per_face else (EXPRESSION,),
        )
        self._composer = MessageBuilder(settings, labels, model_id, clock, declaration)
        self._presence = Presence(
            settings,
            topics=self.topics,
            composer=self._composer,
            outbox=self._outbox,
            clock=clock,
            desk=CommandDesk(self._outbox.resend, commands or {}),
            post=lambda letter: self._publisher.post(letter),
            statistics=self.statistics,
            on_desired=on_desired,
            home_assistant=HomeAssistant(
                settings, lambda: self._composer.labels, lambda letter: self._publisher.post(letter)
            ),
            on_other=on_other,
        )
        self._publisher = Publisher(
            broker,
            self.topics,
            self._outbox,
            self._presence,
            max_in_flight=settings.mqtt.max_in_flight,
            session_expiry_s=settings.mqtt.session_expiry_s,
            timing=timing or PublisherTiming(),
        )

    @property
    def session(self) -> str:
        """The id of the current session. It changes once where the broker turns out to remember a later one."""
        return self._presence.session.id

    @property
    def last_health(self) -> Health | None:
        """The report composed last, whether or not the broker could be told; ``None`` before the first."""
        return self._presence.last_health

    def start(self) -> None:
        """Start storing and publishing."""
        self._lock = acquire(self.topics, self._broker)
        self._outbox.start()
        self._publisher.start()

    def stop(self, drain_s: float = 5.0) -> None:
        """Send what can be sent within the time, publish the death and disconnect. The rest stays in the outbox."""
        self._outbox.flush(drain_s)
        self._publisher.stop(drain_s)
        self._outbox.close()
        if self._lock is not None:
            self._lock.close()

    def expression(self, change: ExpressionChange) -> None:
        """Publish an event; nothing where the privacy level is ``summary``."""
        if not self._per_face:
            return
        with self._presence.lock:
            self._put(EXPRESSION, self._composer.expression(change, self._presence.session))

    def summary(self, window: WindowSummary) -> None:
        """Publish the figures of a window."""
        with self._presence.lock:
            self._put(SUMMARY, self._composer.summary(window, self._presence.session))

    def health(self, report: HealthReport) -> None:
        """Publish, retained, how the device is doing; the outbox's state and its problems are added."""
        self._presence.health(report)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        """Publish something outside the contract, such as a discovery record, under its full topic.

        Retained messages are sent again at every connect; others are lost while there is no connection.
        """
        self._publisher.post(Letter(topic, payload, retain, expiry_s))

    def set_subscriptions(self, filters: Collection[str]) -> None:
        """Hear these topics besides the device's own, from now on and on every connection, and no others."""
        self._publisher.set_subscriptions(filters)

    def use_model(self, labels: tuple[str, ...], model_id: str) -> None:
        """Another model reads faces from now on; to be called between two events."""
        with self._presence.lock:
            self._composer.use_model(labels, model_id)
        self._presence.changed()

    def report_model(self, update: ModelUpdate) -> None:
        """Let ``status`` tell where the model comes from and how its update stands."""
        self._composer.report_model(update)
        self._presence.changed()

    def statistics(self) -> MessengerStatistics:
        """What has been done so far."""
        return MessengerStatistics(
            self._publisher.statistics(), self._outbox.statistics(), self._presence.duplicate_ids.count
        )

    def _put(self, topic: str, message: Expression | Summary) -> None:
        self._outbox.put(topic, message.session, message.seq, encode(message), self._presence.mono_ms())
