"""Where events wait until the broker has acknowledged them. They are stored here before they are sent.

An event is *accepted* once the commit that holds it has returned; only accepted events are sent. Commits happen on the
outbox's own thread: at once when it is idle, and at most every ``commit_s`` when it is not.

- If the process dies (``kill -9``, a crash), what was handed over within the last ``commit_s`` is lost. Nothing that
  was accepted is lost. Acknowledgements are written together with the next events, or after two seconds. What was
  acknowledged and not yet written down is sent again, with the same ``event_id``.
- A power cut takes no more, as far as the storage is honest about flushing: SQLite runs in WAL mode with
  ``synchronous = FULL``, so every commit is flushed before it counts.
- An SD card gets one flushed append to the WAL per commit, at most ``3600 / commit_s`` an hour, and none while nothing
  happens. The main file is written when the WAL reaches 1000 pages, and once a minute if the outbox has a moment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.config import OutboxSettings
from edge_agent.errors import Rejected
from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.queue_heads import QueueHeads
from edge_agent.outbox.replay import RESEND_LIMIT, ResendAnswer, ResendOutcome, ResendRange, gaps_between
from edge_agent.outbox.retention import Retention
from edge_agent.outbox.statistics import OutboxStatistics
from edge_agent.outbox.store import Row, StoredSession
from edge_agent.protocol.topics import SEQUENCED

log = logging.getLogger(__name__)

_MAX_REQUESTS_WAITING = 100
_MAX_RESENDS_WAITING = 4 * RESEND_LIMIT
_QUEUE_HEAD_ROWS = 500
_INCOMING_LIMIT = 10_000
_NOTE_DELIVERIES_AFTER_S = 2.0
_STALLED_AFTER_S = 15.0
_CHECKPOINT_EVERY_S = 60.0
_TRIM_TO = 0.99


class Outbox:
    """The queue between the code that makes events and the code that sends them.

    :meth:`put` never waits for the disk. :meth:`take`, :meth:`put_back` and :meth:`delivered` belong to the sender.

    Args:
        settings: Where and how much.
        clock: Gives rows and deliveries their time.
        on_ready: Called, on the outbox's thread, when there may be something to take.
        retry_disk_s: How long to wait before a failed disk is tried again.
        forbidden_topics: Topics that must not be sent. What an earlier run has stored of them is deleted.
        topics: Every topic that there is.
    """

    def __init__(
        self,
        settings: OutboxSettings,
        clock: Clock,
        on_ready: Callable[[], None] = lambda: None,
        retry_disk_s: float = 5.0,
        forbidden_topics: Collection[str] = (),
        topics: Collection[str] = SEQUENCED,
    ) -> None:
        self._forbidden_topics = forbidden_topics
        self._settings, self._clock, self._on_ready, self._retry_disk_s = settings, clock, on_ready, retry_disk_s
        self._changed = threading.Condition()
        self._incoming: deque[Row] = deque()
        self._deliveries: list[int] = []
        self._requests: deque[tuple[ResendRange, Callable[[ResendOutcome], None]]] = deque()
        self._session_to_save: StoredSession | None = None
        self._heads = QueueHeads([topic for topic in topics if topic not in forbidden_topics], _QUEUE_HEAD_ROWS)
        self._taken: dict[int, Row] = {}
        self._closing = False
        self._hurry = False
        self._full = False
        self._store = FallbackStore(Path(settings.path) if settings.path else None, self._rows_in_memory)
        self._opened, self._unreadable = self._store.opened, 0
        self._retention = Retention(self._store, clock, settings.keep_delivered_h * 3600)
        self._purge()
        # While the file cannot be read, ids begin above those that any row in it can have.
        first_id = 1 if self._store.storage != "degraded" else round(clock.wall() * 1e9)
        self._next_id = max(self._store.last_id() + 1, first_id)
        self._stored_id = self._next_id - 1
        self._last_delivered = self._store.last_delivered()
        self._sessions = {session.id: session for session in self._store.sessions()}
        self._current: StoredSession | None = None
        self._accepted, self._resent, self._lost = 0, 0, 0
        self._delivered = dict.fromkeys(topics, 0)
        self._pending = self._store.totals().pending
        self._turned_at = time.monotonic()
        self._unexplained = 0
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Start the writer thread. What was put before is stored now."""
        self._thread.start()

    def put(self, topic: str, session: str, seq: int, payload: bytes, mono_ms: int) -> None:
        """Hand an event over. It is accepted a moment later, when the writer thread has stored it."""
        with self._changed:
            if self._closing:
                self._lost += 1
                return
            row = Row(self._next_id, topic, session, seq, payload, mono_ms, round(self._clock.wall() * 1000))
            self._next_id += 1
            self._incoming.append(row)
            if len(self._incoming) > _INCOMING_LIMIT:
                self._incoming.popleft()
                self._lost += 1
            self._changed.notify_all()

    def take(self, limit: int, skip_topics: Collection[str] = ()) -> list[Row]:
        """The next accepted rows in order, at most ``limit``, none of the topics in ``skip_topics``.

        Each must come back through :meth:`delivered` or :meth:`put_back`.
        """
        with self._changed:
            rows = self._heads.take(limit, skip_topics)
            self._taken.update((row.id, row) for row in rows if not row.resent)
            if self._heads.load_requests():
                self._changed.notify_all()
            return rows

    def put_back(self, rows: Sequence[Row]) -> None:
        """The sender could not deliver these: they go first again."""
        with self._changed:
            for row in rows:
                self._taken.pop(row.id, None)
            self._heads.put_back(rows)

    def delivered(self, row: Row) -> None:
        """The broker has acknowledged a row that was taken."""
        with self._changed:
            if row.resent:
                self._resent += 1
                return
            self._taken.pop(row.id, None)
            self._pending -= 1
            self._delivered[row.topic] += 1
            key = (row.session, row.topic)
            self._last_delivered[key] = max(row.seq, self._last_delivered.get(key, 0))
            self._deliveries.append(row.id)

    def resend(self, wanted: ResendRange, answer: Callable[[ResendOutcome], None]) -> None:
        """Send stored rows again. ``answer`` is called at once where the outbox is busy, else later on its thread."""
        with self._changed:
            busy = len(self._requests) >= _MAX_REQUESTS_WAITING or self._heads.resending >= _MAX_RESENDS_WAITING
            if not busy:
                self._requests.append((wanted, answer))
                self._changed.notify_all()
        if busy:
            answer(Rejected("busy sending other events again; ask later"))

    def remember(self, session: StoredSession) -> None:
        """Note the current run, or what has become known about its start."""
        with self._changed:
            self._current = session._replace(lost=self._lost)
            self._sessions[session.id] = self._current
            self._session_to_save = self._current
            self._changed.notify_all()

    def sessions(self) -> list[StoredSession]:
        """The runs whose rows are stored, newest first, the current one included."""
        with self._changed:
            return sorted(self._sessions.values(), reverse=True)

    def last_delivered(self, session: str) -> dict[str, int]:
        """By topic, the highest ``seq`` of a run that the broker has acknowledged."""
        with self._changed:
            return {topic: seq for (of, topic), seq in self._last_delivered.items() if of == session}

    def statistics(self) -> OutboxStatistics:
        """What it has done and what it stores."""
        with self._changed:
            return OutboxStatistics(
                storage=self._store.storage,
                accepted=self._accepted,
                delivered=dict(self._delivered),
                resent=self._resent,
                pending=self._pending,
                kept_bytes=self._store.totals().size_bytes,
                lost=self._lost,
                quarantined=self._store.quarantined,
                damaged_rows=self._store.damaged_rows,
                turned_at=self._turned_at,
                stalled=self._is_stalled(time.monotonic()),
            )

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything put so far is accepted; whether that was so in time."""
        with self._changed:
            if not self._thread.is_alive():
                return not self._incoming
            wanted = self._next_id - 1
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._stored_id >= wanted, timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Store what is left and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("outbox: the disk has not answered for %.0f s; events not yet stored are lost", timeout_s)
            return
        self._write()
        self._store.close()

    def _run(self) -> None:
        next_retry, next_checkpoint = 0.0, time.monotonic() + _CHECKPOINT_EVERY_S
        self._load()  # what earlier runs left goes first
        while True:
            self._turned_at = started = time.monotonic()
            if started >= next_retry:
                self._retry_disk()
                next_retry = started + self._retry_disk_s
            wrote = self._write()
            self._retention.turn()
            self._answer()
            self._load()
            if not wrote and started >= next_checkpoint:
                self._store.checkpoint()
                next_checkpoint = started + _CHECKPOINT_EVERY_S
            with self._changed:
                if wrote:  # what arrives during the pause goes into one commit
                    self._changed.wait_for(lambda: self._closing or self._hurry, self._settings.commit_s)
                self._changed.wait_for(self._has_work, _NOTE_DELIVERIES_AFTER_S)
                self._hurry = False
                if self._closing:
                    return

    def _is_stalled(self, now: float) -> bool:
        longest_pause_s = self._settings.commit_s + _NOTE_DELIVERIES_AFTER_S
        return self._thread.is_alive() and now - self._turned_at > longest_pause_s + _STALLED_AFTER_S

    def _has_work(self) -> bool:
        waiting = self._incoming or self._requests or self._session_to_save or self._heads.load_requests()
        return bool(waiting or self._closing or self._hurry)

    def _retry_disk(self) -> None:
        """Try a failed disk again; rows that were out of reach in it take their place in the queue."""
        self._store.retry_disk()
        if self._store.opened == self._opened:
            return
        self._opened = self._store.opened
        self._retention.opened()
        self._purge()
        delivered = self._store.last_delivered()
        sessions = {session.id: session for session in self._store.sessions()}
        with self._changed:
            self._heads.reload()
            self._pending = self._store.totals().pending - len(self._deliveries)
            self._sessions = sessions | self._sessions
            for key, seq in delivered.items():
                self._last_delivered[key] = max(seq, self._last_delivered.get(key, 0))

    def _purge(self) -> None:
        for topic in self._forbidden_topics:
            deleted = self._store.purge(topic)
            if deleted:
                log.warning("outbox: %d stored messages of %s deleted: they may no longer be sent", deleted, topic)

    def _write(self) -> bool:
        """Store in one commit what was put and what was delivered since the last time; whether there was anything."""
        with self._changed:
            rows, self._incoming = list(self._incoming), deque()
            deliveries, self._deliveries = self._deliveries, []
            session, self._session_to_save = self._session_to_save, None
            newest = self._next_id - 1
        if session is not None:  # before its first row, so that no stored row is of an unknown session
            self._store.save_session(session)
        if rows or deliveries:
            self._store.write(rows, self._retention.deliveries(deliveries))
        with self._changed:
            self._accepted += len(rows)
            self._pending += len(rows)
            self._heads.stored(rows)
            self._stored_id = newest
            self._changed.notify_all()
        self._count_lost(self._trim())
        if rows:
            self._on_ready()
        return bool(rows or deliveries)

    def _trim(self) -> list[Row]:
        max_rows, max_bytes = self._settings.max_rows, self._settings.max_mb * 1_000_000
        totals = self._store.totals()
        if self._store.storage == "disk" and totals.rows <= max_rows and totals.size_bytes <= max_bytes:
            return []
        with self._changed:
            in_flight = set(self._taken)
        return self._store.trim(round(max_rows * _TRIM_TO), round(max_bytes * _TRIM_TO), in_flight)

    def _count_lost(self, rows: Sequence[Row]) -> None:
        """Count what is lost, also with files that could not be read, and note it with the session."""
        unreadable, self._unreadable = self._store.unreadable - self._unreadable, self._store.unreadable
        if not rows and not unreadable:
            return
        with self._changed:
            if rows and not self._full:
                log.error("outbox: full, the oldest events are being lost")
                self._full = True
            self._lost += len(rows) + unreadable
            self._pending = self._store.totals().pending - len(self._deliveries)
            self._heads.discard({row.id for row in rows})
            if self._current is not None:
                self._current = self._current._replace(lost=self._lost)
                self._sessions[self._current.id] = self._current
                self._session_to_save = self._current

    def _answer(self) -> None:
        """Look up what one subscriber asked for; the next request waits until events have had their turn."""
        if not self._requests:
            return
        wanted, answer = self._requests.popleft()
        last = min(wanted.last, wanted.first + RESEND_LIMIT - 1)
        forbidden = wanted.topic in self._forbidden_topics
        rows = [] if forbidden else self._store.between(wanted.session, wanted.topic, wanted.first, last, RESEND_LIMIT)
        with self._changed:
            self._heads.resend(replace(row, resent=True, reply_to=wanted.reply_to) for row in rows)
        missing = gaps_between([row.seq for row in rows], wanted.first, last)
        if missing and self._store.out_of_reach:
            answer(Rejected("the disk with the events does not answer; ask later"))
        else:
            answer(ResendAnswer(len(rows), missing, last + 1 if last < wanted.last else None))
        self._on_ready()

    def _load(self) -> None:
        """Fill queue heads that have space from the store."""
        with self._changed:
            requests = self._heads.load_requests()
        for request in requests:
            rows = self._store.undelivered(request.topic, request.after_id, request.limit)
            with self._changed:
                self._heads.loaded(request.topic, rows, request.limit, {*self._taken, *self._deliveries})
        if requests:  # also where nothing was found: rows of the other topics have waited for the answer
            self._on_ready()
        self._look_for_missing()

    def _look_for_missing(self) -> None:
        """Once everything undelivered is in memory, its number must be that of the store; else the file is damaged."""
        if self._store.storage != "disk":
            return
        with self._changed:
            known = self._heads.waiting_count()
            if known is None:
                return
            unexplained = self._store.totals().pending - known - len(self._taken) - len(self._deliveries)
        if unexplained > 0 and unexplained != self._unexplained:
            self._store.find_missing()
        self._unexplained = unexplained

    def _rows_in_memory(self) -> list[Row]:
        with self._changed:
            return sorted([*self._taken.values(), *self._heads.waiting()], key=lambda row: row.id)
