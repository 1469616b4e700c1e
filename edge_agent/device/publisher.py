"""The thread that talks to the broker: connects, sends what waits, waits out outages."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.backoff import Backoff
from edge_agent.device.delivery import Exchange
from edge_agent.device.outage import OutageLog
from edge_agent.device.statistics import PublisherStatistics
from edge_agent.device.subscriptions import Interests
from edge_agent.device.topic_backoff import Holds
from edge_agent.device.unqueued import Letter, Letters
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection, Will
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.events import SESSION_TAKEN_OVER, Closed, Received
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.store import Row
from edge_agent.protocol.topics import STATUS, Topics

log = logging.getLogger(__name__)

_GOODBYE_S = 1.0


@dataclass(frozen=True, slots=True)
class PublisherTiming:
    """How patient the publisher is, in seconds.

    Attributes:
        retry_base_s: Reach of the first wait for a broker that cannot be reached; doubles with each attempt.
        retry_cap_s: Reach of the longest.
        refused_floor_s: Shortest wait after the broker has said no: someone has to put something right first.
        refused_cap_s: What may be added to it.
        status_wait_s: How long to wait for the device's own retained status before the first birth.
        answer_s: How long the broker may take to let the device in.
        silence_s: How long the broker may owe acknowledgements before the connection counts as dead.
        steady_s: How long a connection must have stood for waits to start short again.
    """

    retry_base_s: float = 2.0
    retry_cap_s: float = 60.0
    refused_floor_s: float = 30.0
    refused_cap_s: float = 270.0
    status_wait_s: float = 0.5
    answer_s: float = 10.0
    silence_s: float = 60.0
    steady_s: float = 10.0


class Owner(Protocol):
    """Whose messages the publisher sends. All methods are called on the publisher's thread."""

    def will(self) -> Will:
        """What the broker is to say when the connection breaks."""

    def filters(self) -> Sequence[str]:
        """What to subscribe to."""

    def dispensable_filters(self) -> Sequence[str]:
        """What to subscribe to where the broker allows it."""

    def is_greeting(self, message: Received) -> bool:
        """Whether this is the message that is waited for before :meth:`greeted`."""

    def greeted(self) -> bool:
        """Subscriptions stand, the device's own status has been read; ``False`` to connect anew with another will."""

    def received(self, message: Received) -> None:
        """A message came in."""

    def taken_over(self) -> None:
        """Another connection with this device's client id has taken its place."""

    def is_late(self, row: Row) -> bool:
        """Whether a row is to be marked as sent late."""

    def farewell(self) -> Letter:
        """The death to send before hanging up on purpose."""


class Publisher:
    """Keeps a connection to the broker and everything flowing over it.

    Attributes:
        connected: Whether messages are flowing.
        connections: How often a connection was made.
        turned_at: Monotonic seconds at which the thread last went round. It does so while it waits for the network as
            well: dead name servers are no reason to start a healthy agent again.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        outbox: Outbox,
        owner: Owner,
        *,
        max_in_flight: int,
        session_expiry_s: int,
        timing: PublisherTiming,
    ) -> None:
        self._broker, self._topics, self._outbox, self._owner, self._timing = broker, topics, outbox, owner, timing
        self._max_in_flight = max_in_flight
        self._session_expiry_s = session_expiry_s if broker.protocol == "5" else 0
        self._letters = Letters(first=topics.of(STATUS))
        self._interests = Interests()
        self._holds = Holds(timing.refused_floor_s, timing.refused_cap_s, timing.refused_floor_s)
        self._retry = Backoff(timing.retry_base_s, timing.retry_cap_s)
        self._refused = Backoff(timing.refused_floor_s, timing.refused_cap_s, timing.refused_floor_s)
        self._outage = OutageLog()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._stop_at: float | None = None
        self._exchange: Exchange | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.connected = False
        self.connections = 0
        self.turned_at = time.monotonic()

    def statistics(self) -> PublisherStatistics:
        """What has been done so far."""
        exchange = self._exchange
        return PublisherStatistics(
            connected=self.connected,
            connections=self.connections,
            in_flight=0 if exchange is None else exchange.in_flight,
            denied=self._holds.denied,
            turned_at=self.turned_at,
        )

    def start(self) -> None:
        """Start connecting."""
        self._thread.start()

    def post(self, letter: Letter) -> None:
        """Send a message that is not an event; see :class:`~edge_agent.device.unqueued.Letters`."""
        self._letters.post(letter)
        self.wake()

    def set_subscriptions(self, filters: Collection[str]) -> None:
        """Hear these topics besides the owner's own, from now on and on every connection; see :class:`Interests`."""
        self._interests.want(filters)
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        with contextlib.suppress(OSError):  # a full pipe wakes as well
            self._wake_sender.send(b"\0")

    def stop(self, drain_s: float) -> None:
        """Send what can be sent within the time, say goodbye and end the thread."""
        self._stop_at = time.monotonic() + drain_s
        self.wake()
        if self._thread.is_alive():
            self._thread.join(drain_s + 10.0)
        if self._thread.is_alive():
            log.error("the publisher is still waiting for the network; it is left behind")
            return
        self._wake_receiver.close()
        self._wake_sender.close()

    def _run(self) -> None:
        while self._stop_at is None:
            self.turned_at = time.monotonic()
            try:
                connection = Connection(
                    self._broker,
                    self._topics.client_id,
                    will=self._owner.will(),
                    session_expiry_s=self._session_expiry_s,
                    answer_within_s=self._timing.answer_s,
                    cancelled=self._is_stopping,
                )
            except BrokerError as error:
                if self._stop_at is None:
                    self._failed(error)
                continue
            wait_s = self._serve(connection)
            self._exchange = None
            self.connected = False
            self._wait(wait_s)

    def _is_stopping(self) -> bool:
        self.turned_at = time.monotonic()
        return self._stop_at is not None

    def _failed(self, error: BrokerError) -> None:
        """Say so, and wait as long as fits the reason."""
        refused = isinstance(error, ConnectError) and not error.temporary
        news = self._outage.failed(str(error), time.monotonic(), refused=refused)
        if news:
            log.log(logging.ERROR if refused else logging.WARNING, "%s", news)
        self._wait((self._refused if refused else self._retry).next())

    def _wait(self, seconds: float) -> None:
        """Wait before the next attempt, unless the publisher is stopped."""
        until = time.monotonic() + seconds
        while self._stop_at is None and (left := until - time.monotonic()) > 0:
            self.turned_at = time.monotonic()
            select.select([self._wake_receiver], [], [], min(left, 1.0))
            self._drain_wake()

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_receiver.recv(4096):
                pass

    def _serve(self, connection: Connection) -> float:
        """Exchange messages until the connection is over; returns how long to wait before the next."""
        greeted = False

        def received(message: Received) -> None:
            nonlocal greeted
            greeted = greeted or self._owner.is_greeting(message)
            self._owner.received(message)

        exchange = self._exchange = Exchange(
            connection,
            self._max_in_flight,
            self._outbox,
            self._letters,
            self._holds,
            self._topics.of,
            self._owner.is_late,
            received,
            self._owner.dispensable_filters(),
        )
        started = time.monotonic()
        self._letters.connected()
        self._interests.connected()
        connection.subscribe([*self._owner.filters(), *self._owner.dispensable_filters()])
        answered_at: float | None = None
        try:
            while True:
                self.turned_at = now = time.monotonic()
                if exchange.closed is not None:
                    return self._closed(exchange.closed, started, now)
                if exchange.silent_for(now) > self._timing.silence_s:
                    connection.abort()
                    return self._closed(Closed("no acknowledgement", 0), started, now)
                if self.connected:
                    if self._is_done(exchange, now):
                        self._say_goodbye(connection, exchange)
                        return 0.0
                    exchange.send(now)
                    exchange.follow(self._interests)
                elif self._stop_at is not None:
                    connection.close()
                    return 0.0
                else:
                    answered_at = answered_at or (now if exchange.subscribed else None)
                    if greeted or (answered_at is not None and now > answered_at + self._timing.status_wait_s):
                        if not self._owner.greeted():
                            connection.close()
                            return 0.0
                        self._begin(now)
                        continue
                exchange.receive(
                    1.0 if self.connected and self._stop_at is None else 0.05, self._wake_receiver, time.monotonic
                )
                self._drain_wake()
        finally:
            exchange.give_back()

    def _begin(self, now: float) -> None:
        """Let messages flow."""
        self.connected = True
        self.connections += 1
        log.info("%s", self._outage.connected(str(self._broker), self._outbox.statistics().pending, now))

    def _is_done(self, exchange: Exchange, now: float) -> bool:
        """Whether the publisher is stopped and has sent what it could."""
        if self._stop_at is None:
            return False
        return now >= self._stop_at or (exchange.in_flight == 0 and self._outbox.statistics().pending == 0)

    def _say_goodbye(self, connection: Connection, exchange: Exchange) -> None:
        until = time.monotonic() + _GOODBYE_S
        said = False
        while exchange.closed is None and time.monotonic() < until and (exchange.in_flight or not said):
            if exchange.room and not said:
                exchange.send_letter(self._owner.farewell(), time.monotonic())
                said = True
            exchange.receive(0.05, self._wake_receiver, time.monotonic)
        connection.close()

    def _closed(self, closed: Closed, started: float, now: float) -> float:
        """The connection broke: say so, and say how long to wait before the next."""
        news = self._outage.failed(f"connection to broker {self._broker} lost: {closed.reason}", now, refused=False)
        if news:
            log.warning("%s", news)
        if now - started >= self._timing.steady_s:
            self._retry.reset()
            self._refused.reset()
        if closed.code == SESSION_TAKEN_OVER:
            self._owner.taken_over()
            return self._refused.next()
        return self._retry.next()
