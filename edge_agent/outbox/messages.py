"""An outbox for any MQTT client: messages on any topic wait here until the broker has acknowledged them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from edge_agent.clock import SystemClock
from edge_agent.config import OutboxSettings
from edge_agent.errors import InputError
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.statistics import OutboxStatistics
from edge_agent.outbox.store import MESSAGE, Row, StoredSession

_END_OF_TOPIC: Final = b"\0"
"""MQTT allows no zero in a topic."""
_MAX_TOPIC_BYTES: Final = 65_535


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message that is stored and has not been acknowledged.

    Attributes:
        topic: Where it goes.
        payload: Its bytes.
        put_at: When it was handed over, in seconds since 1970, as far as the clock knew.
    """

    topic: str
    payload: bytes
    put_at: float
    _row: Row


class MessageOutbox:
    """Stores messages before they are sent, and forgets them when the broker has acknowledged them.

    Use it as a context manager. :meth:`put` may be called from any thread and never waits for the disk. A message is
    *accepted* once the commit that holds it has returned; :meth:`take` gives accepted messages alone, in the order in
    which they were put. What was taken and not acknowledged when the process ended is given again in the next run. So
    each message arrives at least once, perhaps twice.

    Args:
        path: The file. Empty keeps messages in memory: they are lost when the process ends.
        max_messages: With more than this, the oldest go first; 100 to 10,000,000.
        max_mb: In a larger file, the oldest go first; 1 to 10,000 megabytes.
        commit_s: Messages are written at most so often, in seconds. A crash loses what was not yet written.
        on_ready: Called, on the outbox's thread, when there may be something to take. It must be quick.

    Raises:
        InputError: A limit is out of its range, or the path is a folder.
    """

    def __init__(
        self,
        path: str | Path = "",
        *,
        max_messages: int = 200_000,
        max_mb: int = 200,
        commit_s: float = 0.25,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        _check("max_messages", max_messages, 100, 10_000_000)
        _check("max_mb", max_mb, 1, 10_000)
        _check("commit_s", commit_s, 0.0, 60.0)
        if path and Path(path).is_dir():
            raise InputError(f"outbox {path}", received="a folder", expected="a file")
        settings = OutboxSettings(
            path=str(path), max_rows=max_messages, max_mb=max_mb, commit_s=commit_s, keep_delivered_h=0.0
        )
        self._clock = SystemClock()
        self._outbox = Outbox(
            settings, self._clock, on_ready, topics=(MESSAGE,)
        )  # one queue: the order holds across topics
        self._began, self._session, self._count = self._clock.monotonic(), f"{time.time_ns():020d}", 0
        self._lock = threading.Lock()

    def __enter__(self) -> MessageOutbox:
        self._outbox.remember(StoredSession(self._session, round(self._clock.wall() * 1000), self._clock.synced(), 0))
        self._outbox.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, topic: str, payload: bytes) -> None:
        """Hand a message over. It is accepted a moment later.

        Raises:
            InputError: The topic is none that MQTT lets anybody publish on.
        """
        name = topic.encode()
        if not name or len(name) > _MAX_TOPIC_BYTES or set(topic) & set("+#\0"):
            raise InputError(f"topic {topic[:100]!r}", expected="1 to 65,535 bytes without +, # and zero")
        with self._lock:
            self._count += 1
            mono_ms = round((self._clock.monotonic() - self._began) * 1000)
            self._outbox.put(MESSAGE, self._session, self._count, name + _END_OF_TOPIC + payload, mono_ms)

    def take(self, limit: int = 20) -> list[StoredMessage]:
        """The next accepted messages, at most ``limit``. Each must come back through one of the next two methods."""
        found = []
        for row in self._outbox.take(limit):
            topic, _, payload = row.payload.partition(_END_OF_TOPIC)
            found.append(StoredMessage(topic.decode(), payload, row.wall_ms / 1000, row))
        return found

    def delivered(self, message: StoredMessage) -> None:
        """The broker has acknowledged a message (PUBACK). It is forgotten."""
        self._outbox.delivered(message._row)

    def put_back(self, messages: Iterable[StoredMessage]) -> None:
        """These could not be delivered. They are the next to be taken, in their order."""
        self._outbox.put_back([message._row for message in messages])

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all that was put is accepted; whether that was so in time."""
        return self._outbox.flush(timeout_s)

    def statistics(self) -> OutboxStatistics:
        """What it has done and what it stores: ``pending``, ``lost``, ``storage`` and more."""
        return self._outbox.statistics()

    def close(self) -> None:
        """Store what is left, and close the file."""
        self._outbox.close()


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(name, received=value, expected=f"{low:g} to {high:g}")
