"""The recorder: takes what the client reports, and stores it on a thread of its own.

The client's thread must never wait for a disk or a server, so :meth:`Recorder.take` only puts into memory. Once a
second the recorder's thread stores what has come, in one transaction. While the database cannot be written, what comes
waits in memory, up to a bound; then the oldest is dropped, and a marker says how much.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from sqlalchemy.exc import StatementError

from dashboard.history.database import DatabaseError, RowsRefused
from dashboard.history.entries import (
    BrokerEntry,
    Entry,
    Event,
    LostEntry,
    NotStoredEntry,
    RedateEntry,
    StateEntry,
    date_of,
    event_entry,
    health_entry,
    status_entry,
)
from dashboard.history.retention import Retention, Upkeep
from dashboard.history.store import History
from dashboard.history.tables import UNDATED
from dashboard.history.writer import TakenOver, Writer, who_records
from edge_agent.client import (
    Arrived,
    BrokerChanged,
    Dated,
    Device,
    DeviceState,
    Expression,
    Health,
    Lost,
    Notice,
    StateChanged,
    Status,
    Summary,
)
from edge_agent.errors import Rejected
from edge_agent.protocol.topics import EXPRESSION

log = logging.getLogger(__name__)

_COMMIT_EVERY_S: Final = 0.8
"""Less than a second, since storing takes time too."""
_RETRY_S: Final = 5.0
_UPKEEP_RETRY_S: Final = 3600.0
"""While nothing can be stored, retention is tried that often: it may make room."""
_PER_TRANSACTION: Final = 5000
_MAX_UNDATED: Final = 20_000
NOTED_EVERY_S: Final = 20.0
"""A recorder that has nothing to store still notes that it records, as often as that."""
SILENT_S: Final = 60.0
"""A recorder that notes nothing for so long has ended, or cannot store."""
_STATES: Final = {DeviceState.ONLINE: "online", DeviceState.OFFLINE: "offline", DeviceState.STALE: "stale"}


class TimeSource(Protocol):
    """Who knows when a message was observed: the client, :class:`edge_agent.client.Classroom`."""

    def time_of(self, device: Device, message: Expression | Summary | Health) -> Dated:
        """The time, as well as is known by now."""


class Recorder:
    """Stores what the client of a classroom reports, each event once.

    One thread calls :meth:`take`, the one that owns the client. Of several recorders at one database the latest one
    stores. The others end, or wait until it has ended or has been silent for a minute.

    Args:
        history: Where to store.
        retention: For how long; it is enforced at the start and once a day.
        now: This machine's clock, seconds since 1970.
        clock: A clock that is never set.
        resume: Whether to wait when another recorder takes over, and to record again after it.
        max_waiting: How many messages may wait in memory while the database cannot be written.

    Attributes:
        problem: Why nothing is stored at present, in words for a person; empty where all is well.
        replaced: Whether another recorder stores at present.
        ended: Set when it no longer records since another one has taken over.
        dropped: How many messages were dropped since the start, because too many waited.
    """

    def __init__(
        self,
        history: History,
        *,
        retention: Retention | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        resume: bool = False,
        max_waiting: int = 100_000,
    ) -> None:
        self._history, self._now, self._clock, self._resume = history, now, clock, resume
        self._retention = retention or Retention()
        self._upkeep = Upkeep(history.database, self._retention)
        self._waiting: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._max_waiting = max_waiting
        self._not_stored: Counter[Device] = Counter()
        self._undated: dict[Device, list[tuple[Summary, int]]] = {}
        self._undated_count = 0
        self._refused: set[Device] = set()
        self._owner, self._begun = secrets.token_hex(8), False
        self._writer: Writer | None = None
        self._noted_at = clock()
        self._other, self._heard_at = ("", ""), 0.0
        self._left_count, self._old_events, self._forgot_at = 0, 0, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.problem = ""
        self.replaced = False
        self.ended = threading.Event()
        self.dropped = 0

    def start(self) -> None:
        """Begin to store; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Store what waits, if that is possible now, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    @property
    def waiting(self) -> int:
        """How many messages wait in memory."""
        return len(self._waiting)

    def take(self, notice: Notice, times: TimeSource) -> None:
        """Remember what is to be stored of a notice. Waits for nothing.

        Args:
            notice: What the client reports.
            times: The client.
        """
        now = self._now()
        if isinstance(notice, Arrived):
            self._arrived(notice, times, now)
        elif isinstance(notice, StateChanged):
            if state := _STATES.get(notice.state):
                self._put(StateEntry(notice.device, _ms(now), state, notice.reason))
        elif isinstance(notice, Lost):
            if notice.topic != EXPRESSION or self._retention.faces_days:
                self._put(LostEntry(notice.device, notice.session, notice.topic, notice.first, notice.last))
        elif isinstance(notice, BrokerChanged):
            self._put(BrokerEntry(_ms(now), notice.connected, notice.reason))

    def commit(self) -> bool:
        """Store what waits; whether all of it is stored. The recorder's thread calls this once a second."""
        while not self.ended.is_set():
            if self.replaced and not self._takes_over_again():
                return False
            with self._lock:
                entries = [self._waiting.popleft() for _ in range(min(len(self._waiting), _PER_TRANSACTION))]
            try:
                self._store(entries)
            except TakenOver:
                self._give_way(entries)
                return False
            except DatabaseError as error:
                with self._lock:
                    self._waiting.extendleft(reversed(entries))
                    self._drop_oldest()
                self._failed(str(error))
                return False
            if self.problem:
                log.info("the history is stored again")
                self.problem = ""
            if not self._waiting:
                return True
        return False

    def _give_way(self, entries: list[Entry]) -> None:
        """Another recorder stores now: end, or wait until it ends."""
        self.replaced = True
        if not self._resume:
            self.problem = "another recorder stores into the same database now; this one has ended"
            log.error(self.problem)
            self.ended.set()
            return
        self.problem = "another recorder stores into the same database now; this one waits until that one ends"
        log.warning(self.problem)
        with self._lock:
            self._waiting.extendleft(reversed(entries))
            self._left_count = self._old_events = 0
        self._other, self._heard_at = ("", ""), self._clock()
        self._forgot_at = self._heard_at

    def _takes_over_again(self) -> bool:
        """Whether the other recorder has ended, or has been silent for so long that this one stores again."""
        now = self._clock()
        try:
            with self._history.database.reading() as connection:
                other = who_records(connection)
        except DatabaseError:
            self._heard_at = now  # nobody can store at present, so silence says nothing
            return False
        if other != self._other:
            self._other, self._heard_at = other, now
            self._leave_to_other(now)
        if other[1] and now - self._heard_at < SILENT_S:
            return False
        self.replaced, self._begun, self._owner = False, False, secrets.token_hex(8)
        return True

    def _leave_to_other(self, now: float) -> None:
        """Forget what came before the other recorder's last sign of life, which it has stored.

        Events stay for a minute or two longer: it may have missed some as it began, and each is stored once anyway.
        """
        with self._lock:
            waiting = list(self._waiting)
            events = [entry for entry in waiting[: self._left_count] if isinstance(entry, Event)]
            if now - self._forgot_at >= SILENT_S:
                events = events[self._old_events :]
                self._old_events, self._forgot_at = len(events), now
            self._waiting = deque([*events, *waiting[self._left_count :]])
            self._left_count = len(self._waiting)

    def _arrived(self, arrived: Arrived, times: TimeSource, now: float) -> None:
        message, device = arrived.message, arrived.device
        entry: Entry | Rejected
        if isinstance(message, Summary):
            dated = times.time_of(device, message)
            entry = event_entry(arrived, message, dated, now)
            if isinstance(entry, Event) and entry.flags & UNDATED and self._undated_count < _MAX_UNDATED:
                self._undated.setdefault(device, []).append((message, entry.at_ms))
                self._undated_count += 1
        elif isinstance(message, Expression):
            if not self._retention.faces_days:
                return
            entry = event_entry(arrived, message, times.time_of(device, message), now)
        elif isinstance(message, Health):
            entry = health_entry(arrived, message, times.time_of(device, message), now)
        elif isinstance(message, Status):
            entry = status_entry(arrived, message, now)
            self._redate(device, times, now)
        else:
            return
        if not isinstance(entry, Rejected):
            self._put(entry)
        elif device not in self._refused:
            self._refused.add(device)
            log.warning("not stored, from %.130r: %s", f"{device.site}/{device.id}", entry.reason)

    def _redate(self, device: Device, times: TimeSource, now: float) -> None:
        """A device has reported when its sessions began: what could not be dated before perhaps can be now."""
        still: list[tuple[Summary, int]] = []
        for message, old_ms in self._undated.pop(device, []):
            at_ms, flags = date_of(times.time_of(device, message), now, late=True)
            if flags & UNDATED:
                still.append((message, old_ms))
            else:
                self._put(RedateEntry(device, message.session, message.seq, old_ms, at_ms))
                self._undated_count -= 1
        if still:
            self._undated[device] = still

    def _put(self, entry: Entry) -> None:
        with self._lock:
            self._waiting.append(entry)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._waiting) > self._max_waiting:
            oldest = self._waiting.popleft()
            self.dropped += 1
            if not isinstance(oldest, (BrokerEntry, NotStoredEntry)):
                self._not_stored[oldest.device] += 1

    def _store(self, entries: list[Entry]) -> None:
        """Store entries in one transaction; where the database refuses one of them, all but that one."""
        now_ms = _ms(self._now())
        dropped = dict(self._not_stored)
        notes = [NotStoredEntry(device, now_ms, count) for device, count in dropped.items()]
        try:
            self._transact([*notes, *entries], now_ms)
        except RowsRefused as refused:
            if len(entries) > 1:
                half = len(entries) // 2
                self._store(entries[:half])
                self._store(entries[half:])
            else:
                log.warning("one message was not stored, the database refuses it: %s", refused)
            return
        with self._lock:
            self._not_stored -= Counter(dropped)

    def _transact(self, entries: list[Entry], now_ms: int) -> None:
        writer, self._writer = self._writer, None  # if this fails, what it knows is not to be trusted
        if entries:
            if self._history.database.was_replaced():  # by a backup, in which another recorder is noted
                writer, self._begun = None, False
            self._history.database.check_room()
        begins = not self._begun
        try:
            with self._history.writing() as connection:
                if writer is None:
                    writer = Writer(connection, self._owner, begins=begins, now_ms=now_ms)
                due = self._clock() - self._noted_at >= NOTED_EVERY_S
                if entries or begins or due:
                    writer.store(connection, entries, now_ms)
                    self._noted_at = self._clock()
                else:
                    writer.check(connection)
        except (StatementError, OverflowError, ValueError) as error:
            raise RowsRefused(str(error)) from None
        self._writer, self._begun = writer, True

    def _failed(self, problem: str) -> None:
        if not self.problem:
            log.error("the history cannot be stored: %s", problem)
        self.problem = problem

    def _run(self) -> None:
        next_try = upkeep_at = 0.0
        while not self._stop.is_set() and not self.ended.is_set():
            if time.monotonic() >= next_try:
                stored = self.commit()
                next_try = time.monotonic() + (_COMMIT_EVERY_S if stored or self.replaced else _RETRY_S)
                if stored:
                    self._keep_up()
                elif not self.replaced and time.monotonic() >= upkeep_at:  # it may make room
                    upkeep_at = time.monotonic() + _UPKEEP_RETRY_S
                    self._keep_up(waiting=True)
            self._stop.wait(max(0.0, min(next_try - time.monotonic(), _COMMIT_EVERY_S)))
        if not self.replaced and self.commit():
            self._end()

    def _keep_up(self, *, waiting: bool = False) -> None:
        """Enforce retention where it is due, a step at a time, and store in between.

        Args:
            waiting: Whether nothing can be stored at present. Then this goes on all the same.
        """
        try:
            for _ in self._upkeep.steps(self._now()):
                if self._stop.is_set() or not (self.commit() or waiting):
                    return
        except DatabaseError as error:
            self._failed(str(error))

    def _end(self) -> None:
        writer = self._writer
        try:
            if writer is not None:
                with self._history.writing() as connection:
                    writer.end(connection, _ms(self._now()))
        except TakenOver:
            return
        except DatabaseError as error:
            log.warning("the end of the recording was not noted: %s", error)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
