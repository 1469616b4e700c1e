"""What a subscriber knows about the devices it follows: what has come, what is missing, who is alive.

Pure: it reads no clock and opens no connection. Messages and time go in; notices and requests come out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from msgspec import UNSET, UnsetType

from edge_agent.client.events import Arrived, Denied, Device, Lost, Missing, NotForwarded, Notice, Removed, StateChanged
from edge_agent.client.gaps import Allowance, Patience, Stream
from edge_agent.client.liveness import DeviceState, Liveness
from edge_agent.client.timestamps import Anchor, Dated, anchors_of, resolve_timestamp
from edge_agent.errors import InputError
from edge_agent.protocol.catalogue import result_of
from edge_agent.protocol.messages import Command, Expression, Health, Message, Reply, ResendResult, Status, Summary
from edge_agent.protocol.topics import SEQUENCED, STATUS, Address

_JOINING_S = 2.0
_CLOCKS_DIFFER = timedelta(minutes=1)
"""How much a device's clock, though set, may differ from this subscriber's."""
_MAX_SESSIONS = 128
"""Sessions of a device that are remembered, so that a late repetition is still recognised."""
_MAX_ASKED_AT_ONCE = 10
_MAX_UNANSWERED = 1000
_UNSEEN_REPORTS = 2
"""So many reports in a row of events on a topic that has brought none: a bridge or access rules hold it back."""
_NOT_TO_US_ALONE = "events asked for again do not come here; they are asked for on the devices' own topics"


@dataclass(frozen=True, slots=True)
class Request:
    """A command to send to a device."""

    device: Device
    command: Command


@dataclass(slots=True)
class _Record:
    """What is known of one device. ``first_session`` is the earliest that concerns the subscriber.

    ``from_birth``: nothing was known of the device when the subscriber came, so that all of that session concerns it.
    ``introduced``: a birth has been heard, which also lists sessions that ended before.
    ``alone``: events are asked for on a topic of this subscriber's own. ``promised``: streams of which the device has
    said that it sends events there. ``heard_alone``: whether any has come there.
    ``confirmed``: a status has come on this connection, so that the latest session known is that of the broker.
    ``brought``: topics on which an event has come. ``last_reported``: the numbers that reports on this
    connection gave for topics without any, and ``unseen``: how many of these reports counted new events. ``hidden``:
    topics that do not reach this subscriber.
    """

    joined_at: float
    from_birth: bool
    introduced: bool = False
    first_session: str = ""
    liveness: Liveness = field(default_factory=Liveness)
    anchors: dict[str, Anchor] = field(default_factory=dict)
    reported: tuple[DeviceState, str] = (DeviceState.UNKNOWN, "")
    streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    alone: bool = True
    promised: set[tuple[str, str]] = field(default_factory=set)
    heard_alone: bool = False
    confirmed: bool = False
    brought: set[str] = field(default_factory=set)
    last_reported: dict[tuple[str, str], int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def may_ask_alone_again(self) -> None:
        """A new connection: access rules may have changed."""
        self.alone, self.heard_alone = True, False
        self.promised.clear()


@dataclass(frozen=True, slots=True)
class _Question:
    """What a device was asked for. ``alone``: on a topic of this subscriber's own."""

    device: Device
    session: str
    topic: str
    alone: bool


class Journal:
    """Follows any number of devices. Times are monotonic seconds.

    Args:
        name: Prefix of the ids of requests, unique among subscribers.
        catch_up: Whether to ask also for what devices still hold from before they were first heard of; or the topics
            for which to do that.
        patience: When to ask for what is missing.
        draw: Random numbers from 0 to 1.
        whole: Whether all events of a device come here. Where subscribers share them, none can tell what is missing.
        asker: Who asks, as ``reply_to`` names it; empty to have events sent to all subscribers again.
        asker_filter: The filter of the topics on which events come that this subscriber has asked for.
        only_alone: Whether to ask for nothing where the answer would go to all subscribers.
    """

    def __init__(
        self,
        name: str,
        *,
        catch_up: bool | Collection[str] = False,
        patience: Patience | None = None,
        draw: Callable[[], float] = random.random,
        whole: bool = True,
        asker: str = "",
        asker_filter: str = "",
        only_alone: bool = False,
    ) -> None:
        self._only_alone = only_alone
        self._asker, self._asker_filter, self._said_not_alone = asker, asker_filter, False
        self._whole = whole
        self._name, self._patience, self._draw = name, patience or Patience(), draw
        self._catch_up = SEQUENCED if catch_up is True else catch_up or ()
        self._records: dict[Device, _Record] = {}
        self._asked: dict[str, _Question] = {}
        self._requests = 0
        self._allowance = Allowance()
        self._visits = 0
        self._joined = datetime.max.replace(tzinfo=timezone.utc)

    def states(self) -> dict[Device, DeviceState]:
        """Every device heard of, and whether it is alive."""
        return {device: record.liveness.state for device, record in self._records.items()}

    def apply(self, address: Address, message: Message, now: float, *, retained: bool, late: bool) -> list[Notice]:
        """A message has come; what to report."""
        device = Device(address.site, address.device)
        # News of a device never heard of is its first, be it a death: a broker that ends reports it before the birth.
        first_news = isinstance(message, Status) and not retained
        record = self._records.setdefault(device, _Record(now, from_birth=self._visits > 1 or first_news))
        notices: list[Notice] = []
        if isinstance(message, (Expression, Summary)):
            record.heard_alone |= address.resent
            if not self._event(record, address, message, now):
                return []
        elif isinstance(message, Status):
            self._status(record, message, now, retained=retained)
        elif isinstance(message, Health):
            notices += [NotForwarded(device, topic) for topic in self._health(record, message, now, retained=retained)]
        elif isinstance(message, Reply):
            notices += self._reply(record, message, now)
        else:
            return []
        notices.insert(0, Arrived(device, message, late, retained))
        return notices + self._state_changes(device, record)

    def removed(self, device: Device, topic: str) -> list[Notice]:
        """Somebody has deleted at the broker what it kept of a device; what to report.

        Of a device that is away, which session was the latest is forgotten too: without its status at the broker, the
        device itself cannot know, and where its clock was ahead, it begins with a smaller one.
        """
        notices: list[Notice] = [Removed(device, topic)]
        record = self._records.get(device)
        if topic != STATUS or record is None or record.liveness.state is not DeviceState.OFFLINE:
            return notices
        record.liveness = Liveness()
        return notices + self._state_changes(device, record)

    def time_of(self, device: Device, message: Expression | Summary | Health) -> Dated:
        """When something was observed, as well as is known by now."""
        record = self._records.get(device)
        return resolve_timestamp(message, record.anchors.get(message.session) if record is not None else None)

    def tick(self, now: float) -> tuple[list[Notice], list[Request]]:
        """Time passes: what to report, and what to ask devices for."""
        notices: list[Notice] = []
        requests: list[Request] = []
        for device, record in self._records.items():
            record.liveness.tick(now)
            notices += self._state_changes(device, record)
            for (session, topic), stream in record.streams.items():
                if topic in record.hidden:
                    continue
                if not stream.anchored and now >= record.joined_at + _JOINING_S:
                    stream.anchor_where_joined(now)
                due = stream.due(now) if self._allowance.left(now) > 0 else []
                if due and (session, topic) in record.promised and not record.heard_alone:
                    record.alone = False
                    notices += self.not_alone()
                notices += [Missing(device, session, topic, first, last) for first, last in stream.newly_missing(due)]
                if not self._only_alone or (self._asker and record.alone):
                    requests += [self._ask(device, session, topic, *gap) for gap in due[:_MAX_ASKED_AT_ONCE]]
                    self._allowance.take(due[:_MAX_ASKED_AT_ONCE])
        return notices, requests

    def already_has(
        self, device: Device, session: str, topic: str, ranges: Iterable[tuple[int, int]], now: float
    ) -> None:
        """The subscriber has these events from before: they are neither reported nor asked for again."""
        record = self._records.setdefault(device, _Record(now, from_birth=False))
        stream = self._stream(record, session, topic, now)
        for first, last in ranges:
            stream.already_has(first, last)

    def connected(self, now: float, date: datetime) -> None:
        """There is a connection to the broker. ``date``: what the subscriber's clock says.

        It may have missed anything meanwhile of devices heard of before, births included. So everything concerns it
        that is not known to be from before it first came.
        """
        self._visits += 1
        self._joined = min(self._joined, date)
        for record in self._records.values():
            record.may_ask_alone_again()
            record.confirmed = False
            record.last_reported.clear()
            record.unseen.clear()
            if record.first_session and not record.introduced:
                for topic in SEQUENCED:
                    self._stream(record, record.first_session, topic, now)
            for stream in record.streams.values():
                stream.anchor_where_joined(now)

    def disconnected(self) -> list[Notice]:
        """The connection to the broker is lost, or none could be made."""
        notices: list[Notice] = []
        for device, record in self._records.items():
            record.liveness.connection_lost()
            notices += self._state_changes(device, record)
        return notices

    def not_alone(self, *, at_all: bool = False) -> list[Notice]:
        """Events asked for do not come to this subscriber alone; what to report.

        Args:
            at_all: The broker denies the subscription, so that no device is asked for it any more.
        """
        if at_all:
            self._asker = ""
        said, self._said_not_alone = self._said_not_alone, True
        return [] if said else [Denied(self._asker_filter, _NOT_TO_US_ALONE)]

    def _event(self, record: _Record, address: Address, event: Expression | Summary, now: float) -> bool:
        topic = address.name
        if not address.resent:
            record.brought.add(topic)
        if topic in record.hidden and not address.resent:  # the topic comes from now on; what was before is history
            record.hidden.discard(topic)
            for key in [key for key in record.streams if key[1] == topic]:
                del record.streams[key]
            self._stream(record, event.session, topic, now, first=event.seq)
        record.first_session = record.first_session or event.session
        record.liveness.heard(event.session, now)
        return self._stream(record, event.session, topic, now).saw(event.seq, now)

    def _status(self, record: _Record, status: Status, now: float, *, retained: bool) -> None:
        if not record.confirmed and status.session < record.liveness.session:
            # The broker keeps nothing of a later one: it was deleted, or the broker set up anew, while nobody was here.
            record.liveness = Liveness()
        record.confirmed = True
        new_session = status.session > record.liveness.session
        record.liveness.status(status, now)
        record.first_session = record.first_session or status.session
        if status.state == "offline":
            return
        runs = anchors_of(status)
        if status.session == record.liveness.session:
            record.anchors = runs
        if record.from_birth and not record.introduced:
            record.first_session = min(record.first_session, self._earliest(runs, record.first_session))
        record.introduced = True
        for known in status.sessions:
            for topic in SEQUENCED:
                if known.session < record.first_session and topic not in self._catch_up:
                    continue
                stream = self._stream(record, known.session, topic, now)
                stream.exists(known.last_seq.get(topic, 0), now)
                if not retained:
                    stream.anchor_where_joined(now)
        if not retained and new_session:
            for topic in SEQUENCED:
                self._stream(record, status.session, topic, now).anchor(1, now)
        for stream in record.streams.values():
            stream.ask_soon(now)

    def _earliest(self, runs: dict[str, Anchor], known: str) -> str:
        """The earliest of a device's sessions that may have gone on when this subscriber came."""
        since = self._joined - _CLOCKS_DIFFER
        begun_before = (run for run, anchor in runs.items() if anchor.synced and anchor.started_at < since)
        return max(begun_before, default=min(runs, default=known))

    def _health(self, record: _Record, health: Health, now: float, *, retained: bool) -> list[str]:
        """A report has come; the topics of which it shows that they do not reach this subscriber."""
        record.first_session = record.first_session or health.session
        if not retained:
            record.liveness.heard(health.session, now)
        for topic in SEQUENCED:
            self._stream(record, health.session, topic, now).exists(health.last_seq.get(topic, 0), now)
        return [topic for topic in SEQUENCED if not retained and self._turns_out_hidden(record, topic, health)]

    def _turns_out_hidden(self, record: _Record, topic: str, health: Health) -> bool:
        """Whether it shows now that a topic brings nothing although the device's events on it are delivered.

        A broker passes on what it acknowledges, in its order. So events that were delivered between two reports have
        come before the second one, unless something between holds the whole topic back.
        """
        if not self._whole or topic in record.brought or topic in record.hidden:
            return False
        key, number = (health.session, topic), health.last_seq.get(topic, 0)
        if number > record.last_reported.get(key, number):
            record.unseen[topic] = record.unseen.get(topic, 0) + 1
        record.last_reported[key] = number
        if record.unseen.get(topic, 0) < _UNSEEN_REPORTS:
            return False
        record.hidden.add(topic)
        return True

    def _reply(self, record: _Record, reply: Reply, now: float) -> list[Notice]:
        """The device's answer to a request of ours: what it no longer holds is lost."""
        asked = self._asked.pop(reply.id, None)
        if asked is None:
            return []
        try:
            result = result_of(reply)
        except InputError:  # refused, for the device is busy; or not to be understood: it is asked again later
            return []
        if not isinstance(result, ResendResult):
            return []
        device, session, topic = asked.device, asked.session, asked.topic
        if asked.alone and result.count:
            record.promised.add((session, topic))
        stream = self._stream(record, session, topic, now)
        if not isinstance(result.more_from, UnsetType):
            stream.ask_soon(now)
        gone = result.missing
        return [Lost(device, session, topic, first, last) for first, last in gone if stream.give_up(first, last)]

    def _stream(self, record: _Record, session: str, topic: str, now: float, *, first: int = 1) -> Stream:
        known = record.streams.get((session, topic))
        if known is not None:
            return known
        stream = record.streams[session, topic] = Stream(self._patience, self._draw, whole=self._whole)
        begun_since = session > record.first_session or (record.from_birth and session == record.first_session)
        if topic in self._catch_up or begun_since or first > 1:
            stream.anchor(first, now)
        self._forget_old(record)
        return stream

    def _forget_old(self, record: _Record) -> None:
        sessions = sorted({session for session, _ in record.streams})
        for session in sessions[:-_MAX_SESSIONS]:
            for topic in SEQUENCED:
                record.streams.pop((session, topic), None)

    def _ask(self, device: Device, session: str, topic: str, first: int, last: int) -> Request:
        self._requests += 1
        request_id = f"{self._name}-{self._requests}"
        alone = bool(self._asker) and self._records[device].alone
        self._asked[request_id] = _Question(device, session, topic, alone)
        if len(self._asked) > _MAX_UNANSWERED:
            self._asked.pop(next(iter(self._asked)))
        command = Command(
            id=request_id,
            command="resend",
            session=session,
            topic=topic,
            first=first,
            last=last,
            reply_to=self._asker if alone else UNSET,
        )
        return Request(device, command)

    def _state_changes(self, device: Device, record: _Record) -> list[Notice]:
        state = (record.liveness.state, record.liveness.reason)
        if state == record.reported:
            return []
        record.reported = state
        return [StateChanged(device, *state)]
