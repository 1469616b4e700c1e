"""One connection's traffic: what is in flight, what is settled, what goes back."""

from __future__ import annotations

from typing import Any

from edge_agent.device.delivery import Delivery, Outgoing
from edge_agent.device.inbox import Inbox
from edge_agent.device.subscriptions import DynamicSubscriptions
from edge_agent.device.topic_backoff import TopicBackoff
from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.mqtt.events import Acknowledged, Closed, ConnectionEvent, Received, Subscribed
from edge_agent.outbox.store import Row
from edge_agent.protocol.topics import Topics
from tests.support.samples import a_row

TOPICS = Topics("classroom", "north", "pi-3a")
NOT_AUTHORISED = 0x87


class FakeConnection:
    """Takes everything, and reports what a test puts into ``events``."""

    receive_maximum = 65535

    def __init__(self) -> None:
        self.published: list[str] = []
        self.events: list[ConnectionEvent] = []
        self.filters: list[str] = []

    def publish(self, topic: str, _payload: bytes, **_options: Any) -> int:
        self.published.append(topic.rsplit("/", 1)[-1])
        return len(self.published)

    def subscribe(self, filters: list[str]) -> None:
        self.filters += filters

    def unsubscribe(self, filters: list[str]) -> None:
        self.filters = [name for name in self.filters if name not in filters]

    def poll(self, _timeout_s: float, _wake: object) -> list[ConnectionEvent]:
        events, self.events = self.events, []
        return events


class FakeOutbox:
    """Holds rows, and keeps what became of them."""

    def __init__(self, *rows: Row) -> None:
        self.rows = list(rows)
        self.acknowledged: list[int] = []

    def take(self, limit: int, skip_topics: frozenset[str]) -> list[Row]:
        taken = [row for row in self.rows if row.topic not in skip_topics][:limit]
        self.rows = [row for row in self.rows if row not in taken]
        return taken

    def put_back(self, rows: list[Row]) -> None:
        self.rows = [*rows, *self.rows]

    def delivered(self, row: Row) -> None:
        self.acknowledged.append(row.id)


class FakeHomeAssistant:
    """Reads one topic, where it may."""

    def filters(self) -> list[str]:
        return ["homeassistant/status"]

    def received(self, _message: Received) -> None:
        pass


class FakeWakeup:
    """Nobody wakes anybody."""

    receiver = None

    def clear(self) -> None:
        pass


class Line:
    """A delivery between fakes."""

    def __init__(self, *rows: Row, max_in_flight: int = 10) -> None:
        self.connection, self.outbox = FakeConnection(), FakeOutbox(*rows)
        self.unqueued, self.subscriptions = UnqueuedMessages(TOPICS), DynamicSubscriptions()
        self.outgoing = Outgoing(
            TOPICS,
            self.outbox,  # type: ignore[arg-type]
            self.unqueued,
            self.subscriptions,
            TopicBackoff(base_s=0.0, cap_s=0.0, floor_s=30.0),
            is_late=lambda _row: False,
            wakeup=FakeWakeup(),  # type: ignore[arg-type]
        )
        self.heard: list[Received] = []
        inbox = Inbox({TOPICS.of("status"): self.heard.append}, FakeHomeAssistant(), None)  # type: ignore[arg-type]
        self.delivery = Delivery(self.connection, self.outgoing, inbox, max_in_flight)  # type: ignore[arg-type]

    def answer(self, *events: ConnectionEvent, now: float = 0.0) -> None:
        self.connection.events += events
        self.delivery.receive(0.0, lambda: now)


def puback(packet_id: int, code: int = 0) -> Acknowledged:
    return Acknowledged(packet_id, code, "not authorized" if code else "success")


def test_it_has_room_for_as_many_as_its_limit() -> None:
    line = Line(a_row(1), a_row(2), a_row(3), max_in_flight=2)
    line.delivery.send(now=0.0)
    assert (line.delivery.free, line.delivery.in_flight) == (0, 2)
    line.answer(puback(1), now=0.1)
    assert line.outbox.acknowledged == [1]
    assert line.delivery.free == 1


def test_the_broker_may_take_fewer() -> None:
    line = Line(*map(a_row, range(1, 9)))
    line.connection.receive_maximum = 3
    delivery = Delivery(line.connection, line.outgoing, Inbox({}, FakeHomeAssistant(), None), 10)  # type: ignore[arg-type]
    delivery.send(now=0.0)
    assert delivery.in_flight == 3


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    line = Line(a_row(1))
    line.delivery.send(now=0.0)
    line.answer(puback(9), now=0.1)
    assert (line.delivery.in_flight, line.outbox.acknowledged) == (1, [])


def test_what_was_not_acknowledged_goes_back_in_the_order_it_was_sent() -> None:
    line = Line(a_row(7), a_row(3), a_row(5))
    line.unqueued.enqueue(UnqueuedMessage(TOPICS.of("health"), b"h", retain=True))
    line.delivery.send(now=0.0)
    line.answer(puback(3), now=0.1)
    line.delivery.give_back()
    assert [row.id for row in line.outbox.rows] == [7, 5]
    assert line.delivery.in_flight == 0


def test_silence_counts_from_the_last_answer_while_something_is_in_flight() -> None:
    line = Line(a_row(1), a_row(2), max_in_flight=1)
    assert line.delivery.silent_for(100.0) == 0.0
    line.delivery.send(now=100.0)
    assert line.delivery.silent_for(105.0) == 5.0
    line.answer(puback(1), now=106.0)
    assert line.delivery.silent_for(200.0) == 0.0
    line.delivery.send(now=200.0)
    line.answer(puback(77), now=206.0)
    assert line.delivery.silent_for(207.0) == 1.0


def test_unqueued_messages_go_before_events() -> None:
    line = Line(a_row(1))
    line.unqueued.enqueue(UnqueuedMessage(TOPICS.of("health"), b"h", retain=True))
    line.delivery.send(now=0.0)
    assert line.connection.published == ["health", "expression"]


def test_a_refused_event_goes_back_and_its_topic_waits_while_others_go_on() -> None:
    line = Line(a_row(1), a_row(2, topic="summary"))
    line.delivery.send(now=0.0)
    line.answer(puback(1, NOT_AUTHORISED), puback(2), now=0.1)
    line.delivery.send(now=10.0)
    assert (line.connection.published, line.outbox.acknowledged) == (["expression", "summary"], [2])
    line.delivery.send(now=31.0)
    line.answer(puback(3), now=31.1)
    assert (line.outbox.acknowledged, line.outgoing.topic_backoff.denied) == ([2, 1], ())


def test_nothing_is_sent_over_a_connection_that_is_over() -> None:
    line = Line(a_row(1))
    line.answer(Closed("closed", 0))
    line.delivery.send(now=0.0)
    assert line.connection.published == []


def test_its_own_retained_status_is_noted_and_handed_on() -> None:
    line = Line()
    line.answer(Received(TOPICS.of("status"), b"{}", retained=False, historical=False))
    before = line.delivery.status_read
    line.answer(Received(TOPICS.of("status"), b"{}", retained=True, historical=False))
    assert (before, line.delivery.status_read, len(line.heard)) == (False, True, 2)


def test_a_subscription_that_may_be_denied_is_no_error(caplog: Any) -> None:
    line = Line()
    line.delivery.subscribe()
    assert line.connection.filters == [TOPICS.of("status"), "homeassistant/status"]
    line.answer(Subscribed(("homeassistant/status",)), now=5.0)
    assert (line.delivery.subscribed_at, caplog.text) == (5.0, "")
    line.answer(Subscribed((TOPICS.of("status"),)), now=6.0)
    assert line.delivery.subscribed_at == 5.0
    assert "denies the subscription to ['classroom/v1/north/pi-3a/status']" in caplog.text


def test_dynamic_subscriptions_are_followed_and_made_anew_on_the_next_connection() -> None:
    line = Line()
    line.subscriptions.replace(["a", "b"])
    line.delivery.update_subscriptions()
    line.subscriptions.replace(["b", "c"])
    line.delivery.update_subscriptions()
    assert line.connection.filters == ["b", "c"]
    line.connection.filters = []
    line.delivery.subscribe()
    line.delivery.update_subscriptions()
    assert line.connection.filters[2:] == ["b", "c"]
