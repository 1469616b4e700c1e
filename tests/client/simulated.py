"""A device, a broker and a dashboard without a network between them, so that every interleaving can be played.

The dashboard's part is the product's :class:`~edge_agent.client.journal.Journal`. The device sends in the agent's
order: birth and health, what was asked for again, events. The broker passes on in order what it got.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from edge_agent.client.events import Arrived, Notice
from edge_agent.client.gaps import Patience
from edge_agent.client.journal import Journal, Request
from edge_agent.client.liveness import DeviceState
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import Command, Expression, Message, Reply, Status, Summary
from edge_agent.protocol.topics import EXPRESSION, HEALTH, REPLY, STATUS, Address
from tests.client.messages import NINE, PI, birth, event, health, summary


class Event(NamedTuple):
    """One accepted event."""

    session: str
    topic: str
    seq: int


class Passed(NamedTuple):
    """A message on its way to the dashboard."""

    name: str
    message: Message
    retained: bool = False
    late: bool = False


class SimulatedBroker:
    """What a broker keeps, and what waits there for the dashboard.

    Attributes:
        up: Whether it runs.
        retained: What it keeps, by topic.
        subscribed: Whether it knows a subscription of the dashboard, be it connected or not.
        queue: What waits for the dashboard.
        will: What to say when the device's connection breaks.
    """

    def __init__(self) -> None:
        self.up = True
        self.retained: dict[str, Message] = {}
        self.subscribed = False
        self.queue: list[Passed] = []
        self.will: Status | None = None
        self._saved: tuple[dict[str, Message], bool, list[Passed]] = ({}, False, [])

    def publish(self, name: str, message: Message, *, late: bool = False) -> None:
        """Keep what is to be kept and pass it on."""
        if name in (STATUS, HEALTH):
            self.retained[name] = message
        if self.subscribed:
            self.queue.append(Passed(name, message, late=late))

    def say_will(self) -> None:
        """The device has been gone for too long."""
        if self.will is not None:
            self.publish(STATUS, self.will)
        self.will = None

    def subscribe(self) -> None:
        """The dashboard comes, or comes back."""
        self.subscribed = True
        self.queue += [Passed(name, kept, retained=True) for name, kept in sorted(self.retained.items())]

    def forget_dashboard(self) -> None:
        """The dashboard's session ends."""
        self.subscribed, self.queue = False, []

    def save(self) -> None:
        """Write the state to disk."""
        self._saved = dict(self.retained), self.subscribed, list(self.queue)

    def load(self) -> None:
        """Begin again from what is on disk."""
        retained, self.subscribed, queue = self._saved
        self.retained, self.queue, self.will = dict(retained), list(queue), None


class SimulatedDevice:
    """Accepts events, keeps them all and sends them in order.

    Attributes:
        clock_set: Whether its clock is.
        accepted: Every event it ever accepted, in that order.
        session: The current run; empty while it is not running.
        connected: Whether there is a connection to the broker.
    """

    def __init__(self, *, clock_set: bool) -> None:
        self.clock_set = clock_set
        self.accepted: list[Event] = []
        self.session = ""
        self.connected = False
        self._starts: dict[str, str] = {}
        self._seqs: dict[str, int] = {}
        self._delivered: dict[Event, None] = {}
        self._outgoing: list[tuple[str, Message]] = []
        self._again: list[Event] = []
        self._reported_earlier: dict[str, dict[str, int]] = {}

    def start(self, now: float) -> None:
        """Begin a run."""
        self.session = f"S{len(self._starts):04d}"
        self._starts[self.session] = utc_text((NINE + timedelta(seconds=now)).timestamp())
        self._seqs = {}

    def kill(self, unnoted: int) -> None:
        """End a run without a word, with this many acknowledgements that were not written down yet."""
        self.hang_up()
        self.session, self._again = "", []
        for forgotten in list(self._delivered)[::-1][:unnoted]:
            del self._delivered[forgotten]

    def accept(self, topic: str, count: int) -> None:
        """Something happens in the room."""
        for _ in range(count):
            self._seqs[topic] = self._seqs.get(topic, 0) + 1
            self.accepted.append(Event(self.session, topic, self._seqs[topic]))

    def connect(self) -> None:
        """There is a new connection."""
        self.connected, self._outgoing = True, []
        self._report_birth()
        self._outgoing.append((HEALTH, health(self.session, **self._delivered_of(self.session))))

    def hang_up(self) -> None:
        """The connection is over."""
        self.connected, self._outgoing = False, []

    def report(self) -> None:
        """Publish its status, with earlier runs where more of them has been delivered since."""
        self._outgoing.append((HEALTH, health(self.session, **self._delivered_of(self.session))))
        if self._earlier() != self._reported_earlier:
            self._report_birth()

    def hear(self, command: Command) -> None:
        """Send events again; those that it never accepted it does not hold."""
        assert isinstance(command.first, int)
        assert isinstance(command.last, int)
        wanted = [
            Event(str(command.session), str(command.topic), seq) for seq in range(command.first, command.last + 1)
        ]
        held = set(self.accepted)
        self._again += [found for found in wanted if found in held]
        result = {"count": len(wanted), "missing": [[gone.seq, gone.seq] for gone in wanted if gone not in held]}
        reply = Reply(id=command.id, command="resend", ok=True, session=self.session, result=result)
        self._outgoing.append((REPLY, reply))

    def send(self, broker: SimulatedBroker, most: int) -> None:
        """Send what waits, and see it acknowledged."""
        for _ in range(most):
            if self._outgoing:
                broker.publish(*self._outgoing.pop(0))
            elif self._again:
                asked = self._again.pop(0)
                broker.publish(asked.topic, _message(asked), late=True)
            elif (sent := self.send_unacknowledged(broker)) is not None:
                self._delivered[sent] = None
            else:
                break

    def send_unacknowledged(self, broker: SimulatedBroker) -> Event | None:
        """Send the next event."""
        waiting = next((found for found in self.accepted if found not in self._delivered), None)
        if waiting is not None:
            broker.publish(waiting.topic, _message(waiting))
        return waiting

    def _report_birth(self) -> None:
        self._reported_earlier = self._earlier()
        delivered = self._reported_earlier | {self.session: self._delivered_of(self.session)}
        self._outgoing.append((STATUS, birth(self.session, starts=self._starts, synced=self.clock_set, **delivered)))

    def _earlier(self) -> dict[str, dict[str, int]]:
        runs = {found.session for found in self.accepted} - {self.session}
        return {run: self._delivered_of(run) for run in runs}

    def _delivered_of(self, run: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for session, topic, seq in self._delivered:
            if session == run:
                found[topic] = max(seq, found.get(topic, 0))
        return found


class SimulatedDashboard:
    """A journal, and whom it asks.

    Attributes:
        connected: Whether there is a connection to the broker.
        notices: Everything it received.
        wants_from: How many events the device had accepted when the dashboard first subscribed; 0 where it catches up.
    """

    def __init__(self, *, catch_up: bool) -> None:
        patience = Patience(grace_s=1.0, retry_s=10.0, retry_cap_s=60.0)
        self._journal = Journal("me", catch_up=catch_up, patience=patience, draw=lambda: 0.0)
        self.connected = False
        self.notices: list[Notice] = []
        self.wants_from: int | None = 0 if catch_up else None

    @property
    def state(self) -> DeviceState | None:
        """What it would show of the device."""
        return self._journal.states().get(PI)

    @property
    def arrived(self) -> list[Event]:
        """The events it received, in that order."""
        messages = [notice.message for notice in self.notices if isinstance(notice, Arrived)]
        events = [message for message in messages if isinstance(message, (Expression, Summary))]
        return [Event(e.session, type(e).__name__.lower(), e.seq) for e in events]

    def connect(self, broker: SimulatedBroker, accepted: int, now: float) -> None:
        """There is a new connection, and the subscription stands."""
        self.connected = True
        self.wants_from = accepted if self.wants_from is None else self.wants_from
        self._journal.connected(now, NINE + timedelta(seconds=now))
        broker.subscribe()

    def lose_connection(self) -> None:
        """The connection breaks."""
        self.connected = False
        self.notices += self._journal.disconnected()

    def receive(self, broker: SimulatedBroker, most: int, now: float) -> list[Request]:
        """Read what waits at the broker, in one go; what it asks the device for then."""
        for passed in broker.queue[:most]:
            address = Address(*PI, passed.name)
            self.notices += self._journal.apply(
                address, passed.message, now, retained=passed.retained, late=passed.late
            )
        del broker.queue[:most]
        notices, requests = self._journal.tick(now)
        self.notices += notices
        return requests


def _message(wanted: Event) -> Message:
    make = event if wanted.topic == EXPRESSION else summary
    return make(wanted.seq, wanted.session)
