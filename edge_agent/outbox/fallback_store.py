"""A store on disk with memory behind it: a full, failing or corrupt disk costs durability, not events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from edge_agent.outbox.memory_store import MemoryStore
from edge_agent.outbox.quarantine import quarantine
from edge_agent.outbox.recovery import RecoveredRows, recover_rows
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import Delivery, Row, Storage, Store, StoredSession, StoreError, Totals

T = TypeVar("T")

log = logging.getLogger(__name__)

MEMORY_MAX_ROWS = 20_000
MEMORY_MAX_BYTES = 16 * 1024 * 1024
"""What may wait in memory, whether by choice or because the disk fails."""


class FallbackStore:
    """Rows on disk while it works, in memory while it does not, moved back when it works again.

    No method raises :class:`~edge_agent.outbox.store.StoreError`. While the disk is full, what is already stored
    stays readable; rows on the disk always come before those in memory.

    Args:
        path: The file; ``None`` for memory alone.
        rescue: Gives the undelivered rows that other parts of the outbox hold in memory. They are stored again when the
            file turns out to be corrupt.

    Attributes:
        storage: ``disk``, ``memory`` (by choice) or ``degraded`` (the disk fails).
        quarantined: How many corrupt files were moved to quarantine.
        damaged_rows: How many damaged rows were quarantined in files that are sound otherwise.
        unreadable: Undelivered rows lost with both, as far as they could be counted.
        opened: How often the file was opened; rows in it were out of reach before.
    """

    def __init__(self, path: Path | None, rescue: Callable[[], Sequence[Row]] = tuple) -> None:
        self._path, self._rescue = path, rescue
        self._disk: SqliteStore | None = None
        self._memory = MemoryStore()
        self._unnoted: list[Delivery] = []
        self._logged: set[str] = set()
        self.storage: Storage = "memory" if path is None else "degraded"
        self.quarantined = 0
        self.damaged_rows = 0
        self.unreadable = 0
        self.opened = 0
        self.retry_disk()

    @property
    def out_of_reach(self) -> bool:
        """Whether rows may lie on a disk that cannot be read now."""
        return self._path is not None and self._disk is None

    def retry_disk(self) -> None:
        """Try the disk again where it has failed or its file is gone, and move to it what waits in memory."""
        if self._path is None:
            return
        if self._disk is not None and not self._disk.is_in_place():
            self._put_in_place(self._disk)
            if self._disk is not None:
                return
        if self.storage == "disk":
            return
        try:
            if self._disk is None:
                self._disk = self._open(self._path)
                self.opened += 1
                self._count_damage(self._disk)
            self._move_to(self._disk)
        except StoreError as error:
            self._fail(error)
            return
        if self._logged:
            log.warning("outbox %s works again; events that waited in memory are on disk", self._path)
        self.storage = "disk"
        self._logged.clear()

    def write(self, rows: Sequence[Row], delivered: Sequence[Delivery]) -> None:
        """Add rows and note deliveries, on disk where it works, else in memory."""
        if self.storage == "disk" and self._on_disk(lambda disk: disk.write(rows, delivered)):
            return
        self._memory.write(rows, delivered)
        if self._path is not None:
            self._unnoted.extend(delivery for delivery in delivered if not self._memory.holds(delivery.row_id))

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""
        return self._read(lambda store: store.undelivered(topic, after_id, limit))[:limit]

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """Rows by their ``seq``, both ends included, delivered or not, at most ``limit``."""
        return self._read(lambda store: store.between(session, topic, first, last, limit))[:limit]

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """Delete the oldest rows on disk and in memory, which has its own limit; returns the undelivered ones."""
        lost = self._memory.trim(min(max_rows, MEMORY_MAX_ROWS), min(max_bytes, MEMORY_MAX_BYTES), keep)
        if self.storage == "disk":
            self._on_disk(lambda disk: lost.extend(disk.trim(max_rows, max_bytes, keep)))
        return lost

    def expire(self, before_ms: int) -> int:
        """Delete rows delivered before that time; returns how many."""
        counts = [self._memory.expire(before_ms)]
        if self.storage == "disk":
            self._on_disk(lambda disk: counts.append(disk.expire(before_ms)))
        return sum(counts)

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery; 0 where there is none."""
        return max([0, *self._read(lambda store: [store.newest_delivery()])])

    def resolve_times(self, by_ms: int, now_ms: int) -> None:
        """Shift the deliveries of an unset clock. While the disk fails, no time is changed."""
        if self.storage == "disk":
            self._on_disk(lambda disk: disk.resolve_times(by_ms, now_ms))
        elif self.storage == "memory":
            self._memory.resolve_times(by_ms, now_ms)

    def shift_times(self, by_ms: int) -> None:
        """Shift the deliveries of a set clock. While the disk fails, no time is changed."""
        if self.storage == "disk":
            self._on_disk(lambda disk: disk.shift_times(by_ms))
        elif self.storage == "memory":
            self._memory.shift_times(by_ms)

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""
        counts = [self._memory.purge(topic)]
        if self.storage == "disk":
            self._on_disk(lambda disk: counts.append(disk.purge(topic)))
        return sum(counts)

    def save_session(self, session: StoredSession) -> None:
        """Remember a run; forget runs of which no row is stored any more."""
        self._memory.save_session(session)
        if self.storage == "disk":
            self._on_disk(lambda disk: disk.save_session(session))

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""
        found = {session.id: session for session in self._read(lambda store: store.sessions())}
        return sorted(found.values())

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""
        last: dict[tuple[str, str], int] = {}
        for key, seq in self._read(lambda store: list(store.last_delivered().items())):
            last[key] = max(seq, last.get(key, 0))
        return last

    def find_missing(self) -> None:
        """Check the whole file, because fewer rows can be read than there must be. What is damaged counts as lost."""
        if self.storage == "disk":
            self._on_disk(lambda disk: disk.examine())

    def checkpoint(self) -> None:
        """Move what is in the file's log into the file, so that damage to the log costs little."""
        if self.storage == "disk":
            self._on_disk(lambda disk: disk.checkpoint())

    def totals(self) -> Totals:
        """What disk and memory hold together."""
        disk = self._disk.totals() if self._disk is not None else Totals(0, 0, 0)
        memory = self._memory.totals()
        return Totals(disk.rows + memory.rows, disk.size_bytes + memory.size_bytes, disk.pending + memory.pending)

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""
        return max([0, *self._read(lambda store: [store.last_id()])])

    def close(self) -> None:
        """Try a failed disk once more, then close the file; log what is lost."""
        self.retry_disk()
        left = self._memory.totals().pending if self._path is not None else 0
        if left:
            log.error("outbox %s did not work again: %d undelivered events in memory are lost", self._path, left)
        if self._disk is not None:
            self._disk.close()

    def _open(self, path: Path) -> SqliteStore:
        try:
            return SqliteStore(path)
        except StoreError as error:
            if not error.corrupt:
                raise
            found = self._quarantine(path, error)
            self.unreadable += found.lost
            return _new_store(path, found)

    def _count_damage(self, disk: SqliteStore) -> None:
        """Count damaged rows that were found. Those that wait in memory as well are stored again."""
        ids, vanished = disk.take_damage()
        new, disk.set_aside = disk.set_aside, 0
        if not new and not vanished:
            return
        waiting = {row.id: row for row in self._rescue()}
        saved = [waiting[row_id] for row_id in sorted(ids) if row_id in waiting]
        lost = len(ids) - len(saved) + vanished
        self.damaged_rows += new
        self.unreadable += lost
        log.error(
            "outbox %s: %d stored events are damaged and not delivered, %d of them lost; they are kept in its table "
            "damaged_rows. Check the SD card",
            self._path,
            new + vanished,
            lost,
        )
        disk.write(saved, ())

    def _put_in_place(self, disk: SqliteStore) -> None:
        """The file was deleted or its folder replaced: what is in it lives only as long as this process."""
        self._log_once(f"outbox {self._path} has been deleted or moved away; it is written anew")
        self.storage = "degraded"
        try:
            disk.put_in_place()
            self._disk = None
        except StoreError as error:
            self._log_once(
                f"outbox: {error.reason}; until it can be written anew, a restart would lose events. {error.remedy}"
            )

    def _replace_file(self, path: Path, found: RecoveredRows) -> set[int]:
        """Open a new file in place of the one in quarantine; the ids of the rows in it, none where that fails too."""
        try:
            self._disk = _new_store(path, found)
        except StoreError as error:
            self._log_once(_in_memory(error))
            return set()
        self.opened += 1
        return {row.id for row in found.rows}

    def _move_to(self, disk: SqliteStore) -> None:
        rows, delivered = self._memory.drain()
        noted = [*delivered, *self._unnoted]
        try:
            newest = disk.newest_delivery()
            # These rows were delivered after those on the disk, whatever time an unset clock gave.
            disk.write(rows, [d if d.clock_synced else d._replace(at_ms=max(d.at_ms, newest)) for d in noted])
            for session in self._memory.sessions():
                disk.save_session(session)
        except StoreError:
            self._memory.write(rows, delivered)
            raise
        self._unnoted.clear()

    def _on_disk(self, action: Callable[[SqliteStore], object]) -> bool:
        """Do something on the disk; ``False`` where it failed, which has been handled."""
        assert self._disk is not None
        try:
            action(self._disk)
            self._count_damage(self._disk)
        except StoreError as error:
            self._fail(error)
            return False
        return True

    def _read(self, action: Callable[[Store], list[T]]) -> list[T]:
        found: list[T] = []
        for _ in range(2):  # a damaged file is replaced at once by what could be read of it
            if self._disk is None or self._on_disk(lambda disk: found.extend(action(disk))):
                break
        return found + action(self._memory)

    def _fail(self, error: StoreError) -> None:
        """Continue in memory; :meth:`retry_disk` tries the disk again later."""
        self.storage = "degraded"
        self._log_once(_in_memory(error))
        if error.usable or self._disk is None:
            return
        pending = self._disk.totals().pending
        self._disk.close()
        self._disk = None
        if error.corrupt and self._path is not None:
            found = self._quarantine(self._path, error)
            rescued = {row.id: row for row in found.pending} | {row.id: row for row in self._rescue()}
            self.unreadable += max(0, pending - len(rescued))
            stored = self._replace_file(self._path, found)
            self._memory.write([rescued[row_id] for row_id in sorted(rescued) if row_id not in stored], ())
            self._unnoted = [delivery for delivery in self._unnoted if delivery.row_id in stored]

    def _quarantine(self, path: Path, error: StoreError) -> RecoveredRows:
        """Move a damaged file out of the way; what can still be read of it."""
        try:
            moved = error.moved_to or quarantine(path)
        except OSError as trouble:
            self._log_once(f"outbox: {error.reason}; it cannot be moved to quarantine either: {trouble.strerror}")
            return RecoveredRows()
        self.quarantined += 1
        found = recover_rows(moved)
        log.error(
            "outbox: %s. It is moved to quarantine as %s. A new one begins with %d recovered events, %d of them "
            "undelivered",
            error,
            moved.name,
            len(found.rows),
            len(found.pending),
        )
        return found

    def _log_once(self, trouble: str) -> None:
        """Log a trouble, once until it is over."""
        if trouble not in self._logged:
            self._logged.add(trouble)
            log.error("%s", trouble)


def _in_memory(error: StoreError) -> str:
    remedy = f". {error.remedy}" if error.remedy else ""
    return f"outbox: {error.reason}; events wait in memory until it works again{remedy}"


def _new_store(path: Path, found: RecoveredRows) -> SqliteStore:
    """A new file with what could be read of the one before.

    Raises:
        StoreError: It cannot be made.
    """
    disk = SqliteStore(path)
    try:
        disk.write(found.rows, found.delivered)
        for session in found.sessions:
            disk.save_session(session)
    except StoreError:
        disk.close()
        raise
    return disk
