"""The rows that can still be read from a damaged outbox file.

Damage is mostly local: a page of the card went bad, the end is cut off, something wrote over the beginning. The other
rows are still promised to subscribers and must be sent.

Rows are read by the place of their columns, so that files of every schema version can be read, and a file whose
beginning is lost. Every row must pass its checksum; a row of a version without checksums must hold the message that it
says it holds. What is lost: the rows on a damaged page, and long rows that go on there. Rows below a damaged inner page
are found by looking at all pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.outbox.checksums import is_delivered, row_checksum, session_checksum
from edge_agent.outbox.replay import gaps_between
from edge_agent.outbox.sqlite_pages import SqlitePages, Value
from edge_agent.outbox.store import MESSAGE, Delivery, Row, StoredSession
from edge_agent.protocol.topics import SEQUENCED

_ROWS_ROOT, _SESSIONS_ROOT = 2, 3
"""Tables are always created in the same order, so that their root pages are the same in every file."""
_COLUMNS = 11
"""Of a row with checksums."""
_MAX_ID = 2**63 - 1
_MAX_TIME_MS = 2**48


@dataclass(slots=True)
class RecoveredRows:
    """What could be read.

    Attributes:
        rows: In the order of their ids, delivered ones included.
        delivered: The deliveries of those that were delivered.
        sessions: The runs they belong to, as far as they are known.
        lost: Undelivered rows that could not be read, as far as gaps in the numbers and damaged rows show them.
    """

    rows: list[Row] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    sessions: list[StoredSession] = field(default_factory=list)
    lost: int = 0

    @property
    def pending(self) -> list[Row]:
        """Rows that were not delivered."""
        delivered = {delivery.row_id for delivery in self.delivered}
        return [row for row in self.rows if row.id not in delivered]


def recover_rows(path: Path) -> RecoveredRows:
    """Read what can be read from a damaged file; the file stays as it is.

    Args:
        path: The file, used by no process. Its write-ahead log, with ``-wal`` at the end of the name, is read too.
    """
    found: dict[int, tuple[Row, Delivery | None]] = {}
    sessions: dict[str, StoredSession] = {}
    damaged = 0
    try:
        with closing(SqlitePages(path)) as pages:
            for row_id, values in pages.table(_ROWS_ROOT):
                row, delivery = _row(row_id, values), _delivery(row_id, values)
                if row is None:
                    damaged += delivery is None
                elif row_id not in found or delivery is not None:
                    found[row_id] = (row, delivery)
            for _, values in pages.table(_SESSIONS_ROOT):
                session = _session(values)
                if session is not None:
                    sessions[session.id] = session
            for row_id, values in pages.stray_rows():
                row = _row(row_id, values) if len(values) == _COLUMNS else None
                if row is not None:
                    found.setdefault(row_id, (row, _delivery(row_id, values)))
    except OSError:  # the disk fails: what was read so far is still of use
        pass
    in_order = [found[row_id] for row_id in sorted(found)]
    rows, delivered = [row for row, _ in in_order], [noted for _, noted in in_order if noted is not None]
    for row in rows:
        sessions.setdefault(row.session, session_of(row))
    return RecoveredRows(rows, delivered, sorted(sessions.values()), max(damaged, _gaps(in_order)))


def session_of(row: Row) -> StoredSession:
    """What a row says about its run where the record of that is damaged."""
    return StoredSession(row.session, max(0, row.wall_ms - row.mono_ms), clock_synced=False, lost=0)


def _gaps(rows: Sequence[tuple[Row, Delivery | None]]) -> int:
    """How many numbers are missing behind the last that was delivered, over all sessions and topics."""
    present: dict[tuple[str, str], list[int]] = {}
    settled: dict[tuple[str, str], int] = {}
    for row, delivery in rows:
        key = (row.session, row.topic)
        present.setdefault(key, []).append(row.seq)
        if delivery is not None:
            settled[key] = max(row.seq, settled.get(key, 0))
    return sum(
        last - first + 1
        for key, seqs in present.items()
        for first, last in gaps_between(sorted(seqs), min(seqs), max(seqs))
        if first > settled.get(key, 0)
    )


def _row(row_id: int, values: Sequence[Value]) -> Row | None:
    """A row, if it is as it was stored: damaged bytes may still read as a row."""
    match values:
        case [_, str(topic), str(session), int(seq), bytes(payload), int(mono_ms), int(wall_ms), *more]:
            pass
        case _:
            return None
    if not 0 < row_id <= _MAX_ID or topic not in (*SEQUENCED, MESSAGE):
        return None
    match more:
        case [_, _, int(checksum), _]:
            sound = checksum == row_checksum(row_id, topic, session, seq, payload, mono_ms, wall_ms)
        case _:  # of a version without checksums
            sound = _holds_its_message(session, seq, payload)
    return Row(row_id, topic, session, seq, payload, mono_ms, wall_ms) if sound else None


def _holds_its_message(session: str, seq: int, payload: bytes) -> bool:
    try:
        message = msgspec.json.decode(payload)
        return bool((message["session"], message["seq"]) == (session, seq))
    except (*UNDECODABLE, TypeError, KeyError):
        return False


def _delivery(row_id: int, values: Sequence[Value]) -> Delivery | None:
    """The delivery of a row. Before schema version 3, the time was negative where the clock was not set."""
    match values[7:]:
        case [int(at_ms), int(synced), int(), checksum]:
            if not is_delivered(row_id, at_ms, synced, checksum):
                return None
        case [int(at_ms)]:
            synced = int(at_ms > 0)
        case [int(at_ms), int(synced), *_]:
            pass
        case _:
            return None
    return Delivery(row_id, max(1, min(abs(at_ms), _MAX_TIME_MS)), bool(synced))


def _session(values: Sequence[Value]) -> StoredSession | None:
    match values:
        case [str(key), int(started_ms), int(synced), int(lost), int(checksum)]:
            if checksum != session_checksum(key, started_ms, synced, lost):
                return None
        case [str(key), int(started_ms), int(synced), int(lost), *_]:  # of a version without checksums
            pass
        case _:
            return None
    return StoredSession(key, started_ms, bool(synced), lost)
