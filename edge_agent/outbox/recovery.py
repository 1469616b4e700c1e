"""The rows that can still be read from a damaged outbox file.

Damage is mostly local: a page of the card went bad, the end is cut off, something wrote over the beginning. The other
rows are still promised to subscribers and must be sent.

Rows are read by the place of their columns, so that files of every schema version can be read, and a file whose
beginning is lost. What is lost: the rows on a damaged page, and all rows below a damaged inner page of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.outbox.sqlite_pages import SqlitePages, Value
from edge_agent.outbox.store import Delivery, Row, StoredSession
from edge_agent.protocol.topics import SEQUENCED

_ROWS_ROOT, _SESSIONS_ROOT = 2, 3
"""Tables are always created in the same order, so that their root pages are the same in every file."""
_MAX_ID = 2**63 - 1
_MAX_TIME_MS = 2**48


@dataclass(slots=True)
class RecoveredRows:
    """What could be read.

    Attributes:
        rows: In the order of their ids, delivered ones included.
        delivered: The deliveries of those that were delivered.
        sessions: The runs they belong to, as far as they are known.
    """

    rows: list[Row] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    sessions: list[StoredSession] = field(default_factory=list)

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
    sessions: list[StoredSession] = []
    try:
        with closing(SqlitePages(path)) as pages:
            for row_id, values in pages.table(_ROWS_ROOT):
                row = _row(row_id, values)
                if row is not None:
                    found.setdefault(row_id, (row, _delivery(row_id, values)))
            for _, values in pages.table(_SESSIONS_ROOT):
                match values:
                    case [str(key), int(started_ms), int(synced), int(lost)]:
                        sessions.append(StoredSession(key, started_ms, bool(synced), lost))
    except OSError:  # the disk fails: what was read so far is worth keeping
        pass
    in_order = [found[row_id] for row_id in sorted(found)]
    return RecoveredRows([row for row, _ in in_order], [noted for _, noted in in_order if noted is not None], sessions)


def _row(row_id: int, values: Sequence[Value]) -> Row | None:
    """A row, if its payload is the message that the row says it is: damaged bytes may still read as a row."""
    match values:
        case [_, str(topic), str(session), int(seq), bytes(payload), int(mono_ms), int(wall_ms), *_]:
            pass
        case _:
            return None
    try:
        message = msgspec.json.decode(payload)
        sound = topic in SEQUENCED and (message["session"], message["seq"]) == (session, seq) and 0 < row_id <= _MAX_ID
    except (*UNDECODABLE, TypeError, KeyError):
        return None
    return Row(row_id, topic, session, seq, payload, mono_ms, wall_ms) if sound else None


def _delivery(row_id: int, values: Sequence[Value]) -> Delivery | None:
    """The delivery of a row. Before schema version 3, the time was negative where the clock was not set."""
    match values[7:]:
        case [int(at_ms)]:
            synced = at_ms > 0
        case [int(at_ms), int(clock_synced), *_]:
            synced = bool(clock_synced)
        case _:
            return None
    return Delivery(row_id, max(1, min(abs(at_ms), _MAX_TIME_MS)), synced)
