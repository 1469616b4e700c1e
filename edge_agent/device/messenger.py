"""The one object the rest of the agent knows of messaging: it puts the parts together and starts and stops them.

Three threads meet here. Perception hands over events and reports, the outbox stores, and the publisher sends and runs
every callback. Who holds the lock of the session (numbers and order of events) or of the retained status (order of
births) may take the outbox's lock, and after that the locks of unqueued messages and subscriptions; never the other way
round.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from edge_agent.clock import Clock, SystemClock
from edge_agent.config import Settings
from edge_agent.device.announcer import Announcer
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.commands import CommandDispatcher, Handler
from edge_agent.device.delivery import Outgoing
from edge_agent.device.desired_state import DesiredState, OnDesired
from edge_agent.device.device_session import DeviceSession
from edge_agent.device.duplicate_ids import DuplicateIdDetector
from edge_agent.device.health_reports import HealthReports
from edge_agent.device.home_assistant import HomeAssistant
from edge_agent.device.inbox import Inbox
from edge_agent.device.instance_lock import acquire
from edge_agent.device.publisher import Publisher, PublisherTiming
from edge_agent.device.retained_status import RetainedStatus
from edge_agent.device.statistics import MessengerStatistics, PublisherState, StatisticsCollector
from edge_agent.device.subscriptions import DynamicSubscriptions
from edge_agent.device.topic_backoff import TopicBackoff
from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.device.wakeup import Wakeup
from edge_agent.mqtt.events import Received
from edge_agent.mqtt.renewal import RenewedBroker
from edge_agent.outbox.outbox import Outbox
from edge_agent.protocol.messages import DeclarationMark, Health, HealthReport, ModelUpdate
from edge_agent.protocol.topics import COMMAND, DESIRED, EXPRESSION, STATUS, Topics, asker_command_topic, asker_of
from edge_agent.types import ExpressionChange, WindowSummary


@dataclass(frozen=True, slots=True)
class IncomingHandlers:
    """What carries out what comes in, on the publisher's thread; each of it may be missing.

    Attributes:
        commands: What carries out commands besides ``ping`` and ``resend``, by name.
        on_desired: Called at every connect and every change, with what the device should be, and whether that is all
            that was asked for: of a malformed message only a request to close the camera is known.
        on_other: Called with what comes in on topics asked for by :meth:`Messenger.set_subscriptions`.
    """

    commands: Mapping[str, Handler] = field(default_factory=dict)
    on_desired: OnDesired | None = None
    on_other: Callable[[Received], None] | None = None


class Messenger:
    """Numbers, dates and stores what the pipeline finds, publishes it, and answers commands.

    :meth:`expression` and :meth:`summary` wait for neither disk nor network.

    Args:
        settings: The agent's settings.
        model: The model that classifies faces.
        clock: Where time comes from.
        handlers: What carries out what comes in.
        timing: Timeouts and waits of the publisher.
        declaration: What may be published of the operator's declaration.

    Attributes:
        topics: The device's topics.

    Raises:
        ConfigError: The password file or a certificate cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        model: ModelIdentity,
        *,
        clock: Clock | None = None,
        handlers: IncomingHandlers | None = None,
        timing: PublisherTiming | None = None,
        declaration: DeclarationMark | None = None,
    ) -> None:
        clock, timing = clock or SystemClock(), timing or PublisherTiming()
        handlers = handlers or IncomingHandlers()
        self._broker = RenewedBroker(settings.mqtt)
        self._instance_lock: socket.socket | None = None
        self._per_face = settings.privacy.level == "faces"
        self.topics = topics = Topics(settings.mqtt.root, settings.device.site, settings.device.id)

        wakeup = Wakeup()
        self._outbox = Outbox(
            settings.outbox, clock, on_ready=wakeup.set, forbidden_topics=() if self._per_face else (EXPRESSION,)
        )
        self._unqueued = UnqueuedMessages(topics, wakeup.set)
        self._subscriptions = DynamicSubscriptions(wakeup.set)
        topic_backoff = TopicBackoff(timing.refused_floor_s, timing.refused_cap_s, timing.refused_floor_s)

        self._builder = builder = MessageBuilder(settings, model, clock, declaration)
        self._session = session = DeviceSession(builder, self._outbox, clock, settings.mqtt.late_after_s)
        state, duplicate_ids = PublisherState(), DuplicateIdDetector()
        self._statistics = StatisticsCollector(state, topic_backoff, self._outbox, duplicate_ids)
        self._health = HealthReports(session, builder, self._unqueued, self._statistics, settings.mqtt.health_every_s)
        home_assistant = HomeAssistant(settings, builder, self._unqueued)
        self._status = RetainedStatus(
            topics.of(STATUS), session, builder, self._unqueued, home_assistant, settings.mqtt.will_delay_s
        )
        announcer = Announcer(topics, session, self._status, self._health, duplicate_ids)

        self._commands = CommandDispatcher(self._outbox.resend, handlers.commands)
        desired_state = DesiredState(session, self._unqueued, handlers.on_desired)
        own = {
            topics.of(STATUS): announcer.status_received,
            topics.of(DESIRED): desired_state.received,
            topics.of(COMMAND): self._command_received,
        }
        asker_commands = asker_command_topic(topics.root, "+/+", topics.site, topics.device)
        self._publisher = Publisher(
            self._broker,
            settings.mqtt,
            Outgoing(topics, self._outbox, self._unqueued, self._subscriptions, topic_backoff, session.is_late, wakeup),
            Inbox(own, home_assistant, handlers.on_other, (asker_commands, self._asker_command_received)),
            announcer,
            self._status,
            state=state,
            timing=timing,
        )

    @property
    def session(self) -> str:
        """The id of the current session. It changes once where the broker turns out to remember a later one."""
        return self._session.id

    @property
    def last_health(self) -> Health | None:
        """The report built last, whether or not it could be sent; ``None`` before the first."""
        return self._health.last

    def start(self) -> None:
        """Start storing and publishing."""
        self._instance_lock = acquire(self.topics, self._broker.current())
        self._outbox.start()
        self._publisher.start()

    def stop(self, drain_s: float = 5.0) -> None:
        """Send what can be sent within the time, publish the death and disconnect. The rest stays in the outbox."""
        self._outbox.flush(drain_s)
        self._publisher.stop(drain_s)
        self._outbox.close()
        if self._instance_lock is not None:
            self._instance_lock.close()

    def expression(self, change: ExpressionChange) -> None:
        """Publish an event; nothing where the privacy level is ``summary``."""
        if self._per_face:
            self._session.put_expression(change)

    def summary(self, window: WindowSummary) -> None:
        """Publish the statistics of a window."""
        self._session.put_summary(window)

    def health(self, report: HealthReport) -> None:
        """Publish, retained, how the device is doing; the outbox's state and its problems are added."""
        self._health.publish(report)
        self._status.publish_if_outdated()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        """Publish something outside the contract, such as a discovery record, under its full topic.

        Retained messages are sent again at every connect; others are lost while there is no connection.
        """
        self._unqueued.enqueue(UnqueuedMessage(topic, payload, retain, expiry_s))

    def set_subscriptions(self, filters: Collection[str]) -> None:
        """Subscribe to these topics besides the device's own, from now on and on every connection, and to no others."""
        self._subscriptions.replace(filters)

    def use_model(self, model: ModelIdentity) -> None:
        """Another model classifies faces from now on; to be called between two events."""
        self._session.use_model(model)
        self._status.publish_again()

    def report_model(self, update: ModelUpdate) -> None:
        """Let ``status`` say where the model comes from and how its update stands."""
        self._builder.report_model(update)
        self._status.publish_again()

    def statistics(self) -> MessengerStatistics:
        """What has been done so far."""
        return self._statistics.collect()

    def _asker_command_received(self, message: Received) -> bool:
        """Whether it came on an asker's request topic; then it is answered."""
        asker = asker_of(message.topic, self.topics.root)
        if asker:
            self._commands.handle_asker_command(message.payload, asker, self.session, self._unqueued.reply)
        return bool(asker)

    def _command_received(self, message: Received) -> None:
        self._commands.handle(message.payload, self.session, self._unqueued.reply, retained=message.retained)
