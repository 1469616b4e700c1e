"""Read-only access to the pages of an SQLite file, for files so damaged that SQLite itself refuses them.

A table is a tree of pages. It is walked from its root page, and a page that cannot be read costs only what is below it.
The file's header is not needed, and nothing is written. The format: https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

PAGE_BYTES: Final = 4096
Value: TypeAlias = int | float | str | bytes | None

_INNER, _LEAF = 0x05, 0x0D
_MAX_LOCAL = PAGE_BYTES - 35
_MIN_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_OVERFLOW_BYTES = PAGE_BYTES - 4
_NUMBER_BYTES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
_CONSTANTS: dict[int, Value] = {0: None, 8: 0, 9: 1}
_FLOAT, _FIRST_BLOB = 7, 12
"""How the format names the kinds of values: numbers by their size, texts and bytes by their length."""
_WAL_BYTE_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
_WAL_HEADER, _FRAME_HEADER = struct.Struct(">8I"), struct.Struct(">6I")
_UNREADABLE = (IndexError, ValueError, struct.error)


class SqlitePages:
    """The pages of a file, each in the state of the last commit that its write-ahead log holds.

    Args:
        path: The file, used by no process. Its log has ``-wal`` at the end of the name.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        log = path.with_name(f"{path.name}-wal")
        self._logged = _committed_pages(log.read_bytes()) if log.exists() else {}
        self._file = path.open("rb")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def table(self, root: int) -> Iterator[tuple[int, list[Value]]]:
        """The rows of a table: number and values, in the order of their numbers as far as pages are undamaged.

        Args:
            root: Number of the table's root page; page 1 is not supported.
        """
        waiting, seen = [root], {root}
        while waiting:
            try:
                page = self._page(waiting.pop())
                cells = _cells(page)
                if page[0] == _INNER:
                    children = [_u32(page, at) for at in cells] + [_u32(page, 8)]
                    new = [child for child in dict.fromkeys(children) if child not in seen]
                    seen.update(new)
                    waiting += reversed(new)
                    continue
            except (OSError, *_UNREADABLE):
                continue
            yield from filter(None, (self._row(page, at) for at in cells))

    def _page(self, number: int) -> bytes:
        if number in self._logged:
            return self._logged[number]
        self._file.seek((number - 1) * PAGE_BYTES)
        page = self._file.read(PAGE_BYTES)
        if len(page) < PAGE_BYTES:
            raise ValueError(f"page {number} is cut off")
        return page

    def _row(self, page: bytes, at: int) -> tuple[int, list[Value]] | None:
        try:
            size, at = _varint(page, at)
            number, at = _varint(page, at)
            return number, _values(self._record(page, at, size))
        except (OSError, *_UNREADABLE):
            return None

    def _record(self, page: bytes, at: int, size: int) -> bytes:
        """The bytes of a row, of which a long one goes on in a chain of overflow pages."""
        if size <= _MAX_LOCAL:
            return page[at : at + size]
        local = _MIN_LOCAL + (size - _MIN_LOCAL) % _OVERFLOW_BYTES
        local = local if local <= _MAX_LOCAL else _MIN_LOCAL
        parts, left, following = [page[at : at + local]], size - local, _u32(page, at + local)
        seen: set[int] = set()
        while left > 0 and following not in seen:
            seen.add(following)
            overflow = self._page(following)
            parts.append(overflow[4 : 4 + left])
            left, following = left - _OVERFLOW_BYTES, _u32(overflow, 0)
        return b"".join(parts)


def _cells(page: bytes) -> tuple[int, ...]:
    """Where the cells of a page begin."""
    first = {_INNER: 12, _LEAF: 8}.get(page[0])
    if first is None:
        raise ValueError("not a page of a table")
    (count,) = struct.unpack_from(">H", page, 3)
    return struct.unpack_from(f">{count}H", page, first)


def _values(record: bytes) -> list[Value]:
    """The values of a row."""
    header_bytes, at = _varint(record, 0)
    columns = _columns(record[at:header_bytes], header_bytes)
    if columns and columns[-1][2] > len(record):
        raise ValueError("a row is cut off")
    return [_value(kind, record[start:end]) for kind, start, end in columns]


@lru_cache(maxsize=1024)
def _columns(header: bytes, start: int) -> tuple[tuple[int, int, int], ...]:
    """The kind of each value, and where its bytes begin and end. Most rows of a table share a few headers."""
    columns: list[tuple[int, int, int]] = []
    at = 0
    while at < len(header):
        kind, at = _varint(header, at)
        end = start + ((kind - _FIRST_BLOB) // 2 if kind >= _FIRST_BLOB else _NUMBER_BYTES[kind])
        columns.append((kind, start, end))
        start = end
    return tuple(columns)


def _value(kind: int, data: bytes) -> Value:
    if kind >= _FIRST_BLOB:
        return data.decode() if kind % 2 else data
    if kind == _FLOAT:
        return float(struct.unpack(">d", data)[0])
    return _CONSTANTS[kind] if kind in _CONSTANTS else int.from_bytes(data, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer of one to nine bytes, and where it ends."""
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def _committed_pages(log: bytes) -> dict[int, bytes]:
    """Pages by number as the log's last whole commit leaves them.

    The log is reused from its beginning. Frames of an earlier use have other salts, and a frame that was not written to
    its end has a wrong checksum: both end the log.
    """
    committed: dict[int, bytes] = {}
    if len(log) < _WAL_HEADER.size:
        return committed
    magic, _, page_bytes, _, salt, other_salt, *checksum = _WAL_HEADER.unpack_from(log)
    order = _WAL_BYTE_ORDERS.get(magic)
    if order is None or page_bytes != PAGE_BYTES or _checksum(log[:24], [0, 0], order) != checksum:
        return committed
    uncommitted: dict[int, bytes] = {}
    for at in range(_WAL_HEADER.size, len(log) - _FRAME_HEADER.size - PAGE_BYTES + 1, _FRAME_HEADER.size + PAGE_BYTES):
        number, pages_after_commit, *salts, first, second = _FRAME_HEADER.unpack_from(log, at)
        page = log[at + _FRAME_HEADER.size : at + _FRAME_HEADER.size + PAGE_BYTES]
        checksum = _checksum(log[at : at + 8] + page, checksum, order)
        if salts != [salt, other_salt] or checksum != [first, second]:
            break
        uncommitted[number] = page
        if pages_after_commit:
            committed |= uncommitted
            uncommitted.clear()
    return committed


def _checksum(data: bytes, before: list[int], byte_order: str) -> list[int]:
    first, second = before
    words = iter(struct.unpack(f"{byte_order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return [first, second]
