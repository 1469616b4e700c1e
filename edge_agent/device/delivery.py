"""The way of an event over one connection, from the outbox to the broker's acknowledgement (PUBACK).

The publisher's thread calls everything here. An event passes six stops:

1. ``Outbox.take`` gives the next stored rows (:mod:`edge_agent.outbox.outbox`).
2. ``Delivery.send`` asks for as many as may be in flight, and for none of a topic that the broker has just refused.
3. ``Connection.publish`` sends a row with QoS 1; under its packet id the row is in flight
   (:mod:`edge_agent.mqtt.connection`).
4. ``Connection.poll``, called by ``Delivery.receive``, reads the PUBACK and reports it as ``Acknowledged``.
5. ``Delivery._acknowledged`` finds the row by its packet id. A row that the broker has refused goes back to the outbox,
   and its topic waits (:mod:`edge_agent.device.topic_backoff`).
6. ``Outbox.delivered`` counts the row as delivered.

A connection that ends gives back what is still in flight (``Delivery.give_back``), and the next one sends it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.device.inbox import Inbox
from edge_agent.device.subscriptions import DynamicSubscriptions
from edge_agent.device.topic_backoff import TopicBackoff
from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.device.wakeup import Wakeup
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.events import Acknowledged, Closed, ConnectionEvent, Received, Subscribed
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.store import Row
from edge_agent.protocol.topics import STATUS, Topics, resent_topic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What there is to send, whichever connection it goes over.

    Attributes:
        topics: The device's topics.
        outbox: Where events wait.
        unqueued: Where other messages wait.
        subscriptions: Topics to subscribe to besides the device's own.
        topic_backoff: Topics (full names) the broker has refused.
        is_late: Whether an event is to be marked as sent late.
        wakeup: Set when there may be something new to send.
    """

    topics: Topics
    outbox: Outbox
    unqueued: UnqueuedMessages
    subscriptions: DynamicSubscriptions
    topic_backoff: TopicBackoff
    is_late: Callable[[Row], bool]
    wakeup: Wakeup


class Delivery:
    """Sends over one connection, and settles what the broker answers.

    Args:
        connection: An open connection.
        outgoing: What there is to send.
        inbox: Who reads what comes in.
        max_in_flight: Most messages in flight, however many more the broker would take.

    Attributes:
        closed: Set when the connection is over.
        subscribed_at: When the broker answered the subscription, in monotonic seconds; ``None`` before.
        status_read: Whether the device's own retained status has come in.
    """

    def __init__(self, connection: Connection, outgoing: Outgoing, inbox: Inbox, max_in_flight: int) -> None:
        self._connection, self._outgoing, self._inbox = connection, outgoing, inbox
        self._limit = min(max_in_flight, connection.receive_maximum)
        self._in_flight: dict[int, Row | UnqueuedMessage] = {}
        self._progress_at = 0.0
        self._said_asker_refused = False
        self.closed: Closed | None = None
        self.subscribed_at: float | None = None
        self.status_read = False

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._in_flight)

    @property
    def free(self) -> int:
        """How many more messages may be sent now."""
        return max(0, self._limit - len(self._in_flight))

    def silent_for(self, now: float) -> float:
        """Seconds since the broker last acknowledged anything while something was in flight; 0 where nothing is."""
        return now - self._progress_at if self._in_flight else 0.0

    def subscribe(self) -> None:
        """Ask for everything the inbox reads; the first thing to do on a new connection."""
        self._outgoing.unqueued.connected()
        self._outgoing.subscriptions.connected()
        self._connection.subscribe([*self._inbox.filters(), *self._inbox.optional_filters()])

    def update_subscriptions(self) -> None:
        """Subscribe to what is newly wanted, and unsubscribe from what no longer is."""
        if self.closed is not None:
            return
        changes = self._outgoing.subscriptions.take_changes()
        if changes.unsubscribe:
            self._connection.unsubscribe(changes.unsubscribe)
        if changes.subscribe:
            self._connection.subscribe(changes.subscribe)

    def send(self, now: float) -> None:
        """Send as much as may be in flight: unqueued messages first, then events."""
        if self.closed is not None:
            return
        outgoing = self._outgoing
        for message in outgoing.unqueued.take(self.free):
            self.send_unqueued(message, now)
        waiting = {topic.rsplit("/", 1)[-1] for topic in outgoing.topic_backoff.waiting(now)}
        for row in outgoing.outbox.take(self.free, waiting):
            historical = row.resent or outgoing.is_late(row)
            packet_id = self._connection.publish(self._topic_of(row), row.payload, historical=historical)
            self._sent(packet_id, row, now)

    def send_unqueued(self, message: UnqueuedMessage, now: float) -> None:
        """Send one message that is not an event, now."""
        packet_id = self._connection.publish(
            message.topic, message.payload, retain=message.retain, expiry_s=message.expiry_s
        )
        self._sent(packet_id, message, now)

    def receive(self, timeout_s: float, now: Callable[[], float]) -> None:
        """Wait for something to happen, and react to it."""
        wakeup = self._outgoing.wakeup
        for event in self._connection.poll(timeout_s, wakeup.receiver):
            self._react(event, now())
        wakeup.clear()

    def give_back(self) -> None:
        """The connection is over: events that were not acknowledged wait for the next one, in their order."""
        messages, self._in_flight = list(self._in_flight.values()), {}
        self._outgoing.outbox.put_back([message for message in messages if isinstance(message, Row)])

    def _react(self, event: ConnectionEvent, now: float) -> None:
        if isinstance(event, Acknowledged):
            self._acknowledged(event, now)
        elif isinstance(event, Received):
            if event.retained and event.topic == self._outgoing.topics.of(STATUS):
                self.status_read = True
            self._inbox.receive(event)
        elif isinstance(event, Subscribed):
            self.subscribed_at = self.subscribed_at or now
            if denied := set(event.refused) - set(self._inbox.optional_filters()):
                log.error("the broker denies the subscription to %s; check its access rules", sorted(denied))
        else:
            self.closed = event

    def _topic_of(self, row: Row) -> str:
        topics = self._outgoing.topics
        if row.reply_to:
            return resent_topic(topics.root, row.reply_to, topics.site, topics.device, row.topic)
        return topics.of(row.topic)

    def _asker_refused(self, topic: str, reason: str) -> None:
        """The broker refuses an event for one asker alone. It is dropped: who does not get it asks in the old way."""
        if not self._said_asker_refused:
            self._said_asker_refused = True
            log.warning(
                "the broker refuses messages on %s (%s). Who asked there will ask for them on the device's own topics. "
                "'edge-agent fleet apply' writes access rules that allow it",
                topic,
                reason,
            )

    def _sent(self, packet_id: int, message: Row | UnqueuedMessage, now: float) -> None:
        if not self._in_flight:
            self._progress_at = now
        self._in_flight[packet_id] = message

    def _acknowledged(self, answer: Acknowledged, now: float) -> None:
        """The broker has answered a message; an answer that nobody waits for changes nothing."""
        self._progress_at = now
        message = self._in_flight.pop(answer.packet_id, None)
        if message is None:
            return
        outbox, topic_backoff = self._outgoing.outbox, self._outgoing.topic_backoff
        topic = self._topic_of(message) if isinstance(message, Row) else message.topic
        if isinstance(message, Row) and message.reply_to and not answer.ok:
            self._asker_refused(topic, answer.reason)
            return
        if answer.ok:
            if topic_backoff.accepted(topic):
                log.info("the broker takes messages on %s again", topic)
            if isinstance(message, Row):
                outbox.delivered(message)
            return
        if topic_backoff.refused(topic, now):
            log.error(
                "the broker refuses messages on %s (%s). Let its access rules allow this device to publish there",
                topic,
                answer.reason,
            )
        if isinstance(message, Row):
            outbox.put_back([message])
