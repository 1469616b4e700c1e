"""The thread that talks to the broker: it connects, lets one :class:`Delivery` after the other work, and waits.

How an event travels over a connection stands in :mod:`edge_agent.device.delivery`.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from edge_agent.backoff import Backoff
from edge_agent.config import MqttSettings
from edge_agent.device.announcer import Announcer
from edge_agent.device.delivery import Delivery, Outgoing
from edge_agent.device.inbox import Inbox
from edge_agent.device.outage import OutageLog
from edge_agent.device.retained_status import RetainedStatus
from edge_agent.device.statistics import PublisherState
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.events import SESSION_TAKEN_OVER, Closed
from edge_agent.mqtt.renewal import RenewedBroker

log = logging.getLogger(__name__)

_LEAVING_S = 1.0


@dataclass(frozen=True, slots=True)
class PublisherTiming:
    """Timeouts and waits of the publisher, in seconds.

    Attributes:
        retry_base_s: Reach of the first wait for a broker that cannot be reached; doubles with each attempt.
        retry_cap_s: Reach of the longest.
        refused_floor_s: Shortest wait after the broker has refused: someone has to put something right first.
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


class Publisher:
    """Keeps a connection to the broker and everything flowing over it.

    Args:
        broker: Where to connect, and with which credentials.
        settings: Most messages in flight, and how long the broker keeps the session.
        outgoing: What there is to send.
        inbox: Who reads what comes in.
        announcer: Announces the device on each connection.
        status: The will and the offline message.
        state: Where the publisher notes what it does.
        timing: Timeouts and waits.
    """

    def __init__(
        self,
        broker: RenewedBroker,
        settings: MqttSettings,
        outgoing: Outgoing,
        inbox: Inbox,
        announcer: Announcer,
        status: RetainedStatus,
        *,
        state: PublisherState,
        timing: PublisherTiming,
    ) -> None:
        self._broker, self._outgoing, self._inbox = broker, outgoing, inbox
        self._announcer, self._status = announcer, status
        self._state, self._timing = state, timing
        self._max_in_flight = settings.max_in_flight
        self._session_expiry_s = settings.session_expiry_s if settings.protocol == "5" else 0
        self._retry = Backoff(timing.retry_base_s, timing.retry_cap_s)
        self._refused_retry = Backoff(timing.refused_floor_s, timing.refused_cap_s, timing.refused_floor_s)
        self._outage = OutageLog()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Start connecting."""
        self._thread.start()

    def stop(self, drain_s: float) -> None:
        """Send what can be sent within the time, then the offline message, and end the thread."""
        self._stop_at = time.monotonic() + drain_s
        self._outgoing.wakeup.set()
        if self._thread.is_alive():
            self._thread.join(drain_s + 10.0)
        if self._thread.is_alive():
            log.error("the publisher is still waiting for the network; it is left behind")
            return
        self._outgoing.wakeup.close()

    def _run(self) -> None:
        while self._stop_at is None:
            self._turn()
            try:
                connection = Connection(
                    self._broker.current(),
                    self._outgoing.topics.client_id,
                    will=self._status.will(),
                    session_expiry_s=self._session_expiry_s,
                    answer_within_s=self._timing.answer_s,
                    cancelled=self._is_stopping,
                )
            except BrokerError as error:
                if self._stop_at is None:
                    self._wait(self._connect_failed(error))
                continue
            delivery = Delivery(connection, self._outgoing, self._inbox, self._max_in_flight)
            try:
                wait_s = self._serve(connection, delivery)
            finally:
                delivery.give_back()
            self._state.connected = False
            self._wait(wait_s)

    def _turn(self) -> float:
        """Note that the thread goes round; the time."""
        self._state.turned_at = now = time.monotonic()
        return now

    def _is_stopping(self) -> bool:
        self._turn()
        return self._stop_at is not None

    def _wait(self, seconds: float) -> None:
        """Wait before the next attempt, unless the publisher is stopped."""
        until = time.monotonic() + seconds
        while self._stop_at is None and (left := until - self._turn()) > 0:
            self._outgoing.wakeup.wait(min(left, 1.0))

    def _serve(self, connection: Connection, delivery: Delivery) -> float:
        """Exchange messages until the connection is over; returns how long to wait before the next."""
        started = time.monotonic()
        delivery.subscribe()
        while True:
            now = self._turn()
            if delivery.closed is None and delivery.silent_for(now) > self._timing.silence_s:
                connection.abort()
                delivery.closed = Closed("no acknowledgement", 0)
            if delivery.closed is not None:
                return self._connection_lost(delivery.closed, now - started)
            if not self._state.connected and (self._stop_at is not None or not self._announce(delivery, now)):
                connection.close()
                return 0.0
            if self._state.connected:
                if self._is_done(delivery, now):
                    self._leave(connection, delivery)
                    return 0.0
                delivery.send(now)
                delivery.update_subscriptions()
            in_service = self._state.connected and self._stop_at is None
            delivery.receive(1.0 if in_service else 0.05, time.monotonic)

    def _announce(self, delivery: Delivery, now: float) -> bool:
        """Announce the device once its own retained status has been read or none has come in time.

        Returns:
            ``False`` where the device has to connect anew, with another will.
        """
        answered_at = delivery.subscribed_at
        waited = answered_at is not None and now > answered_at + self._timing.status_wait_s
        if not delivery.status_read and not waited:
            return True
        if not self._announcer.announce():
            return False
        self._state.connected = True
        self._state.connections += 1
        log.info(
            "%s", self._outage.connected(str(self._broker.current()), self._outgoing.outbox.statistics().pending, now)
        )
        return True

    def _is_done(self, delivery: Delivery, now: float) -> bool:
        """Whether the publisher is stopped and has sent what it could."""
        if self._stop_at is None:
            return False
        return now >= self._stop_at or (delivery.in_flight == 0 and self._outgoing.outbox.statistics().pending == 0)

    def _leave(self, connection: Connection, delivery: Delivery) -> None:
        """Send the offline message and disconnect."""
        until = time.monotonic() + _LEAVING_S
        sent = False
        while delivery.closed is None and time.monotonic() < until and (delivery.in_flight or not sent):
            if delivery.free and not sent:
                delivery.send_unqueued(self._status.offline_message(), time.monotonic())
                sent = True
            delivery.receive(0.05, time.monotonic)
        connection.close()

    def _connect_failed(self, error: BrokerError) -> float:
        """No connection came about: log it, and say how long to wait."""
        refused = isinstance(error, ConnectError) and not error.temporary
        line = self._outage.failed(str(error), time.monotonic(), refused=refused)
        if line is not None:
            log.log(logging.ERROR if refused else logging.WARNING, "%s", line)
        return (self._refused_retry if refused else self._retry).next()

    def _connection_lost(self, closed: Closed, stood_s: float) -> float:
        """The connection broke: log it, and say how long to wait."""
        reason = f"connection to broker {self._broker.current()} lost: {closed.reason}"
        line = self._outage.failed(reason, time.monotonic(), refused=False)
        if line is not None:
            log.warning("%s", line)
        if stood_s >= self._timing.steady_s:
            self._retry.reset()
            self._refused_retry.reset()
        if closed.code == SESSION_TAKEN_OVER:
            self._announcer.taken_over()
            return self._refused_retry.next()
        return self._retry.next()
