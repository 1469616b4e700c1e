"""The traffic over one connection: what is sent, what is acknowledged, what has to be sent again."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence

from edge_agent.device.in_flight import Window
from edge_agent.device.subscriptions import Interests
from edge_agent.device.topic_backoff import Holds
from edge_agent.device.unqueued import Letter, Letters
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.events import Acknowledged, Closed, Received, Subscribed
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.store import Row

log = logging.getLogger(__name__)


class Exchange:
    """Sends letters and rows within a window, and settles what the broker answers.

    Args:
        connection: An open connection.
        limit: Most messages in flight, however many more the broker would take.
        outbox: Where rows come from and go back to.
        letters: What else there is to send.
        holds: Topics (full names) the broker has refused.
        topic_of: The full topic of a row's ``topic``.
        is_late: Whether a row is to be marked as sent late.
        on_message: Called with what comes in.
        dispensable: Subscriptions that the broker may deny without harm.

    Attributes:
        closed: Set when the connection is over.
        subscribed: Whether the broker has answered the subscription.
    """

    def __init__(
        self,
        connection: Connection,
        limit: int,
        outbox: Outbox,
        letters: Letters,
        holds: Holds,
        topic_of: Callable[[str], str],
        is_late: Callable[[Row], bool],
        on_message: Callable[[Received], None],
        dispensable: Sequence[str] = (),
    ) -> None:
        self._connection, self._outbox, self._letters, self._holds = connection, outbox, letters, holds
        self._topic_of, self._is_late, self._on_message = topic_of, is_late, on_message
        self._dispensable = set(dispensable)
        self._window: Window[Row | Letter] = Window(min(limit, connection.receive_maximum))
        self.closed: Closed | None = None
        self.subscribed = False

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._window)

    @property
    def room(self) -> int:
        """How many more messages may be sent now."""
        return self._window.room

    def silent_for(self, now: float) -> float:
        """Seconds for which the broker has owed an acknowledgement."""
        return self._window.silent_for(now)

    def receive(self, timeout_s: float, wake: socket.socket, now: Callable[[], float]) -> None:
        """Wait for something to happen and settle it."""
        for signal in self._connection.poll(timeout_s, wake):
            if isinstance(signal, Acknowledged):
                self._settle(signal, now())
            elif isinstance(signal, Received):
                self._on_message(signal)
            elif isinstance(signal, Subscribed):
                self.subscribed = True
                if refused := set(signal.refused) - self._dispensable:
                    log.error("the broker denies the subscription to %s; check its access rules", sorted(refused))
            else:
                self.closed = signal

    def send(self, now: float, *, rows: bool = True) -> None:
        """Fill the window: letters first, then rows."""
        if self.closed is not None:
            return
        for letter in self._letters.take(self._window.room):
            self.send_letter(letter, now)
        if not rows:
            return
        held = self._holds.held(now)
        held_names = {topic.rsplit("/", 1)[-1] for topic in held}
        for row in self._outbox.take(self._window.room, held_names):
            packet_id = self._connection.publish(
                self._topic_of(row.topic), row.payload, historical=row.resent or self._is_late(row)
            )
            self._window.sent(packet_id, row, now)

    def follow(self, interests: Interests) -> None:
        """Subscribe to what is newly wanted and unsubscribe from what no longer is."""
        if self.closed is not None:
            return
        new, old = interests.changes()
        if old:
            self._connection.unsubscribe(old)
        if new:
            self._connection.subscribe(new)

    def send_letter(self, letter: Letter, now: float) -> None:
        """Send one letter, now."""
        packet_id = self._connection.publish(
            letter.topic, letter.payload, retain=letter.retain, expiry_s=letter.expiry_s
        )
        self._window.sent(packet_id, letter, now)

    def give_back(self) -> None:
        """The connection is over: rows that were not acknowledged wait for the next one."""
        self._outbox.put_back([message for message in self._window.take_all() if isinstance(message, Row)])

    def _settle(self, answer: Acknowledged, now: float) -> None:
        message = self._window.acknowledged(answer.packet_id, now)
        if message is None:
            return
        topic = message.topic if isinstance(message, Letter) else self._topic_of(message.topic)
        if answer.ok:
            if self._holds.taken(topic):
                log.info("the broker takes messages on %s again", topic)
            if isinstance(message, Row):
                self._outbox.delivered(message)
            return
        if self._holds.refused(topic, now):
            log.error(
                "the broker refuses messages on %s (%s). Let its access rules allow this device to publish there",
                topic,
                answer.reason,
            )
        if isinstance(message, Row):
            self._outbox.put_back([message])
