"""The device as the broker knows it: its session, birth and death, its health, and what it hears."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.clock import Clock
from edge_agent.config import Settings
from edge_agent.device.builders import MessageBuilder
from edge_agent.device.commands import CommandDesk
from edge_agent.device.desired_state import read_desired
from edge_agent.device.duplicate_ids import DuplicateIdDetector
from edge_agent.device.home_assistant import HomeAssistant
from edge_agent.device.session import Session, new_session_id
from edge_agent.device.statistics import MessengerStatistics
from edge_agent.device.unqueued import Letter
from edge_agent.errors import InputError
from edge_agent.mqtt.connection import Will
from edge_agent.mqtt.events import Received
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.store import Row, StoredSession
from edge_agent.privacy.audit import AUDIT
from edge_agent.protocol.messages import Desired, Health, HealthReport, Message, Reply, Status, decode, encode
from edge_agent.protocol.topics import COMMAND, DESIRED, HEALTH, REPLY, STATUS, Topics

log = logging.getLogger(__name__)

OnDesired = Callable[[Desired, bool], None]

_REPLY_EXPIRY_S = 60
_HEALTH_STALE_AFTER = 4
"""Reports that have to be missing before the broker drops the last one."""
_CLOCK_STEP_S = 1.0


class _Announced(NamedTuple):
    """What the last birth said that may change: the session's start, the clock, what was delivered of earlier runs."""

    started_unix_s: float
    clock_synced: bool
    earlier: dict[str, dict[str, int]]


class Presence:
    """Speaks for the device; the publisher's :class:`~edge_agent.device.publisher.Owner`.

    Args:
        settings: The agent's settings.
        topics: The device's topics.
        composer: Writes messages.
        outbox: Where sessions and deliveries are known.
        clock: Where time comes from.
        desk: Answers commands.
        post: Publishes a letter.
        statistics: What messaging has done.
        on_desired: Called with what the device should be, and whether that is all that was asked for: of a malformed
            message only the wish to close the camera is known.
        home_assistant: The device's place in Home Assistant.
        on_other: Called with what comes in on topics that are not the device's own.

    Attributes:
        lock: Held while something is numbered and stored, so that order and numbers agree.
        session: The current session.
        duplicate_ids: What is known of other devices with this one's id.
        last_health: The report composed last, whether or not the broker could be told; ``None`` before the first.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        topics: Topics,
        composer: MessageBuilder,
        outbox: Outbox,
        clock: Clock,
        desk: CommandDesk,
        post: Callable[[Letter], None],
        statistics: Callable[[], MessengerStatistics],
        on_desired: OnDesired | None,
        home_assistant: HomeAssistant,
        on_other: Callable[[Received], None] | None = None,
    ) -> None:
        self._settings, self._topics, self._composer = settings, topics, composer
        self._outbox, self._clock, self._desk, self._post = outbox, clock, desk, post
        self._statistics, self._on_desired, self._home_assistant = statistics, on_desired, home_assistant
        self._on_other = on_other
        self._report: HealthReport | None = None
        self._announced: _Announced | None = None
        self.last_health: Health | None = None
        self.lock = threading.Lock()
        self._births = threading.Lock()  # else an older birth, written on another thread, might be posted last
        self.duplicate_ids = DuplicateIdDetector()
        self.session = self._begin_session(max((known.id for known in outbox.sessions()), default=""))

    def health(self, report: HealthReport) -> None:
        """Publish how the device is doing, and the birth again where what it says no longer holds.

        That is where the clock has been set since, and where events of earlier runs have been delivered since: of those
        runs only the birth tells a subscriber what exists.
        """
        self._report = report
        self._publish_health()
        said = self._announced
        if said is None:
            return
        stepped = abs(self.session.started_unix_s() - said.started_unix_s) > _CLOCK_STEP_S
        if stepped or self._clock.synced() != said.clock_synced:
            self._outbox.remember(self._stored(self.session))
            self._publish_birth()
        elif self._delivered_of_earlier_runs() != said.earlier:
            self._publish_birth()

    def mono_ms(self) -> int:
        """Milliseconds since the session began."""
        return self.session.mono_ms(self._clock.monotonic())

    def will(self) -> Will:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        death = Status(state="offline", session=self.session.id, reason="connection_lost")
        return Will(self._topics.of(STATUS), encode(death), self._settings.mqtt.will_delay_s)

    def farewell(self) -> Letter:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        return self._letter(STATUS, self._composer.death(self.session), retain=True)

    def filters(self) -> Sequence[str]:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        return [self._topics.of(STATUS), self._topics.of(DESIRED), self._topics.of(COMMAND)]

    def dispensable_filters(self) -> Sequence[str]:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        return self._home_assistant.filters()

    def is_greeting(self, message: Received) -> bool:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        return message.retained and message.topic == self._topics.of(STATUS)

    def greeted(self) -> bool:
        """Begin to speak, unless the broker remembers a later session: then this one gives way to a still later."""
        latest = self.duplicate_ids.latest
        if latest > self.session.id:
            log.warning(
                "the broker remembers session %s of this device, later than %s: the clock was behind or the device was "
                "set up anew. A new session begins",
                latest,
                self.session.id,
            )
            with self.lock:
                self.session = self._begin_session(latest)
            return False
        self.duplicate_ids.connected(self.session.id)
        self._publish_birth()
        self._publish_health()
        return True

    def received(self, message: Received) -> None:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        if message.topic == self._topics.of(STATUS):
            self._hear_status(message)
        elif message.topic == self._topics.of(DESIRED):
            self._hear_desired(message.payload)
        elif message.topic == self._topics.of(COMMAND):
            self._desk.handle(message.payload, self.session.id, self._reply, retained=message.retained)
        else:
            self._home_assistant.received(message)
            if self._on_other is not None:
                self._on_other(message)

    def changed(self) -> None:
        """Publish the birth again: something it tells has changed. Before the first connection it is told there."""
        if self._announced is not None:
            self._publish_birth()

    def taken_over(self) -> None:
        """See :class:`~edge_agent.device.publisher.Owner`."""
        self.duplicate_ids.seen()
        self._warn_of_duplicate()

    def is_late(self, row: Row) -> bool:
        """Whether a row was accepted longer ago than ``late_after_s``."""
        if row.session == self.session.id:
            age_ms = float(self.mono_ms() - row.mono_ms)
        else:
            age_ms = self._clock.wall() * 1000 - row.wall_ms
        # A negative age comes of a clock that was set back since an earlier run: late, nobody knows by how much.
        return age_ms < 0 or age_ms > self._settings.mqtt.late_after_s * 1000

    def _begin_session(self, after: str) -> Session:
        session = Session(new_session_id(round(self._clock.wall() * 1000), after), self._clock)
        self._outbox.remember(self._stored(session))
        return session

    def _stored(self, session: Session) -> StoredSession:
        return StoredSession(session.id, round(session.started_unix_s() * 1000), self._clock.synced(), 0)

    def _delivered_of_earlier_runs(self) -> dict[str, dict[str, int]]:
        """By run, the last delivered ``seq`` by topic."""
        runs = (stored.id for stored in self._outbox.sessions())
        return {run: self._outbox.last_delivered(run) for run in runs if run != self.session.id}

    def _publish_birth(self) -> None:
        with self._births:
            earlier = self._delivered_of_earlier_runs()
            self._announced = _Announced(self.session.started_unix_s(), self._clock.synced(), earlier)
            known = [(stored, self._outbox.last_delivered(stored.id)) for stored in self._outbox.sessions()]
            self._post(self._letter(STATUS, self._composer.birth(self.session, known), retain=True))
            self._home_assistant.announce()

    def _publish_health(self) -> None:
        if self._report is None:
            return
        last_seq = self._outbox.last_delivered(self.session.id)
        health = self._composer.health(self._report, self.session, self._statistics(), last_seq)
        self.last_health = health
        expiry_s = round(_HEALTH_STALE_AFTER * self._settings.mqtt.health_every_s)
        self._post(self._letter(HEALTH, health, retain=True, expiry_s=expiry_s))

    def _hear_status(self, message: Received) -> None:
        try:
            status = decode(message.payload, Status)
        except InputError as error:
            log.warning("a message on this device's own status topic is ignored: %s", error)
            return
        verdict = self.duplicate_ids.saw(status, retained=message.retained)
        if verdict.duplicate:
            self._warn_of_duplicate()
        if verdict.wrong:
            self._publish_birth()

    def _hear_desired(self, payload: bytes) -> None:
        if self._on_desired is None:
            return
        if not payload:
            log.info("what this device should be was deleted at the broker: it stays as it is")
            return
        reading = read_desired(payload)
        if reading.error:
            what_then = "ignored, muted = true in it excepted" if reading.desired is not None else "ignored"
            log.error("what this device should be is not understood and %s: %s", what_then, reading.error)
            AUDIT.info("desired: %s: %s", what_then, reading.error)
            self._reply(
                Reply(id="", command=DESIRED, ok=False, session=self.session.id, error=f"{reading.error}; {what_then}")
            )
        if reading.desired is None:
            return
        try:
            self._on_desired(reading.desired, not reading.error)
        except Exception:  # a bug there must not end the publisher
            log.exception("what this device should be could not be done")

    def _warn_of_duplicate(self) -> None:
        log.error(
            "another device uses the id %s/%s. Give each device its own device.id; a copied SD card is the usual cause",
            self._topics.site,
            self._topics.device,
        )

    def _reply(self, reply: Reply) -> None:
        self._post(self._letter(REPLY, reply, expiry_s=_REPLY_EXPIRY_S))

    def _letter(self, name: str, message: Message, *, retain: bool = False, expiry_s: int = 0) -> Letter:
        return Letter(self._topics.of(name), encode(message), retain, expiry_s)
