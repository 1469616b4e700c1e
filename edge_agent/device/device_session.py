"""The run of the agent that goes on now: its events get their numbers here and go to the outbox."""

from __future__ import annotations

import threading

from edge_agent.clock import Clock
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session, new_session_id
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.store import Row, StoredSession
from edge_agent.protocol.messages import Expression, Summary, encode
from edge_agent.protocol.topics import EXPRESSION, SUMMARY
from edge_agent.types import ExpressionChange, WindowSummary

DeliveredByTopic = dict[str, int]
"""The highest delivered ``seq`` of a run, by topic."""


class DeviceSession:
    """Numbers and stores the device's events. Every method may be called from any thread.

    Args:
        builder: Builds the messages.
        outbox: Where events go, and where earlier runs are known.
        clock: Where time comes from.
        late_after_s: From which age in seconds on an event counts as sent late.

    Attributes:
        current: The session. It is replaced once where the broker turns out to remember a later one.
    """

    def __init__(self, builder: MessageBuilder, outbox: Outbox, clock: Clock, late_after_s: float) -> None:
        self._builder, self._outbox, self._clock = builder, outbox, clock
        self._late_after_s = late_after_s
        self._lock = threading.Lock()  # while an event is numbered and stored, so that order and numbers agree
        self.current = self._begin(max((known.id for known in outbox.sessions()), default=""))

    @property
    def id(self) -> str:
        """The id of the current session."""
        return self.current.id

    def put_expression(self, change: ExpressionChange) -> None:
        """Hand the event of a changed expression to the outbox."""
        with self._lock:
            self._put(EXPRESSION, self._builder.expression(change, self.current))

    def put_summary(self, window: WindowSummary) -> None:
        """Hand the message about a window to the outbox."""
        with self._lock:
            self._put(SUMMARY, self._builder.summary(window, self.current))

    def use_model(self, model: ModelIdentity) -> None:
        """From the next event on another model classifies the faces."""
        with self._lock:
            self._builder.use_model(model)

    def begin_after(self, session_id: str) -> None:
        """Begin another session, later than this one of which the broker knows."""
        with self._lock:
            self.current = self._begin(session_id)

    def remember_start(self) -> None:
        """Store anew when the session began, as the clock stands now."""
        self._outbox.remember(self._stored(self.current))

    def clock_synced(self) -> bool:
        """Whether the device's clock is set."""
        return self._clock.synced()

    def is_late(self, row: Row) -> bool:
        """Whether a stored event was accepted so long ago that it is marked as sent late."""
        if row.session == self.current.id:
            age_ms = float(self._mono_ms() - row.mono_ms)
        else:
            age_ms = self._clock.wall() * 1000 - row.wall_ms
        # A negative age comes of a clock that was set back since an earlier run: late, nobody knows by how much.
        return age_ms < 0 or age_ms > self._late_after_s * 1000

    def delivered(self) -> DeliveredByTopic:
        """What of the current session was delivered."""
        return self._outbox.last_delivered(self.current.id)

    def known(self) -> list[tuple[StoredSession, DeliveredByTopic]]:
        """The runs of which events are held, newest first, and what of each was delivered."""
        return [(stored, self._outbox.last_delivered(stored.id)) for stored in self._outbox.sessions()]

    def delivered_of_earlier_runs(self) -> dict[str, DeliveredByTopic]:
        """What of earlier runs was delivered, by run."""
        return {stored.id: delivered for stored, delivered in self.known() if stored.id != self.current.id}

    def _put(self, topic: str, message: Expression | Summary) -> None:
        self._outbox.put(topic, message.session, message.seq, encode(message), self._mono_ms())

    def _mono_ms(self) -> int:
        return self.current.mono_ms(self._clock.monotonic())

    def _begin(self, after: str) -> Session:
        session = Session(new_session_id(round(self._clock.wall() * 1000), after), self._clock)
        self._outbox.remember(self._stored(session))
        return session

    def _stored(self, session: Session) -> StoredSession:
        return StoredSession(session.id, round(session.started_unix_s() * 1000), self._clock.synced(), 0)
