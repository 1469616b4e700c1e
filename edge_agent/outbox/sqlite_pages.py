"""Read-only access to the pages of an SQLite file, for files so damaged that SQLite itself refuses them.

A table is a tree of pages. It is walked from its root page, and a page that cannot be read costs only what is below it.
The file's header is not needed, and nothing is written. The format: https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from os import SEEK_END
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

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
_NATIVE = "<" if sys.byteorder == "little" else ">"
_WAL_BYTE_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
_WAL_HEADER, _FRAME_HEADER = struct.Struct(">8I"), struct.Struct(">6I")
_FRAME_BYTES = _FRAME_HEADER.size + PAGE_BYTES
_MAGIC = b"SQLite format 3\0"
_UNREADABLE = (IndexError, ValueError, struct.error)


class SqlitePages:
    """The pages of a file, each in the state of the last commit that its write-ahead log holds.

    A frame of the log that is damaged costs its page alone; SQLite itself drops all that follows it.

    Args:
        path: The file, used by no process. Its log has ``-wal`` at the end of the name.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        log = path.with_name(f"{path.name}-wal")
        self._logged, self._damaged_frames = _read_log(log.read_bytes()) if log.exists() else ({}, [])
        self._file = path.open("rb")
        self._reached: set[int] = set()

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
                number = waiting.pop()
                page = self._page(number)
                self._reached.add(number)
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

    def stray_rows(self) -> Iterator[tuple[int, list[Value]]]:
        """What reads as a row on pages that the tables read so far do not reach, and on damaged frames of the log.

        A page above them is damaged, or they are deleted, or no rows at all: only a checksum can tell.
        """
        for page in self._stray_pages():
            try:
                cells = _cells(page) if page[0] == _LEAF else ()
            except _UNREADABLE:
                continue
            yield from filter(None, (self._row(page, at) for at in cells))

    def _stray_pages(self) -> Iterator[bytes]:
        try:
            last = max([self._file.seek(0, SEEK_END) // PAGE_BYTES, *self._logged])
            known = self._reached | self._free_pages()
        except (OSError, *_UNREADABLE):
            return
        for number in range(2, last + 1):
            if number not in known:
                with suppress(OSError, ValueError):
                    yield self._page(number)
        yield from self._damaged_frames

    def _free_pages(self) -> set[int]:
        """The pages that hold nothing any more."""
        head = self._page(1)
        if not head.startswith(_MAGIC):
            raise ValueError("the head is damaged")
        free: set[int] = set()
        trunk = _u32(head, 32)
        while trunk and trunk not in free:
            free.add(trunk)
            page = self._page(trunk)
            free.update(struct.unpack_from(f">{min(_u32(page, 4), PAGE_BYTES // 4 - 2)}I", page, 8))
            trunk = _u32(page, 0)
        return free

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


def log_is_damaged(path: Path) -> bool:
    """Whether SQLite would drop commits from a file's write-ahead log because something before them is damaged.

    A log that merely ends in the middle of a commit is as a power cut leaves it.

    Args:
        path: The file. Its log has ``-wal`` at the end of the name.
    """
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and _Log(log.read_bytes()).is_damaged()


def has_sound_head(path: Path) -> bool:
    """Whether a file begins as SQLite begins it, or is still empty."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) in (b"", _MAGIC)


class _Log:
    """A write-ahead log, frame by frame.

    The log is reused from its beginning; frames of an earlier use have other salts. The checksum of a frame goes on
    from that of the frame before, which is stored as well: so a frame can be judged though the one before is damaged.
    """

    def __init__(self, log: bytes) -> None:
        self._log = log
        self._places = range(_WAL_HEADER.size, len(log) - _FRAME_HEADER.size - PAGE_BYTES + 1, _FRAME_BYTES)
        self.header_is_sound = False
        self.frames: list[_Frame] = []
        if self._places:
            self._read()

    def is_damaged(self) -> bool:
        """Whether there is damage with a sound commit behind it."""
        commits = [i for i, frame in enumerate(self.frames) if frame.sound and frame.pages_after_commit]
        if not commits:
            return False
        return not self.header_is_sound or not all(frame.sound for frame in self.frames[: commits[-1]])

    def _read(self) -> None:
        log = self._log
        magic, _, page_bytes, _, salt, other_salt, *stored = _WAL_HEADER.unpack_from(log)
        order = _WAL_BYTE_ORDERS.get(magic, _NATIVE)
        self.header_is_sound = page_bytes == PAGE_BYTES and _checksum(log[:24], [0, 0], order) == stored
        salts = [salt, other_salt]
        if not self.header_is_sound:  # the salts stand in every frame as well
            salts, order = self._salts(self._places[0]), _NATIVE
        starts = [stored, _checksum(log[:24], [0, 0], order)]
        for at in self._places:
            number, pages_after_commit, *found_salts, first, second = _FRAME_HEADER.unpack_from(log, at)
            if found_salts != salts and self._salts(at + _FRAME_BYTES) != salts:
                break
            page = log[at + _FRAME_HEADER.size : at + _FRAME_BYTES]
            stored = [first, second]
            possible = [_checksum(log[at : at + 8] + page, start, order) for start in starts]
            sound = found_salts == salts and stored in possible
            self.frames.append(_Frame(sound, number, pages_after_commit, page))
            starts = [stored] if sound else [stored, possible[0]]

    def _salts(self, at: int) -> list[int]:
        return list(_FRAME_HEADER.unpack_from(self._log, at)[2:4]) if at in self._places else []


class _Frame(NamedTuple):
    """A page in the log. ``pages_after_commit``: 0 but for the last page of a commit."""

    sound: bool
    number: int
    pages_after_commit: int
    page: bytes


def _read_log(log: bytes) -> tuple[dict[int, bytes], list[bytes]]:
    """Pages by number as the log's last whole commit leaves them, and the pages of damaged frames before it."""
    committed: dict[int, bytes] = {}
    uncommitted: dict[int, bytes] = {}
    damaged: list[bytes] = []
    for frame in _Log(log).frames:
        if not frame.sound:
            damaged.append(frame.page)
            continue
        uncommitted[frame.number] = frame.page
        if frame.pages_after_commit:
            committed |= uncommitted
            uncommitted.clear()
    return committed, damaged


def _checksum(data: bytes, before: list[int], byte_order: str) -> list[int]:
    first, second = before
    words = iter(struct.unpack(f"{byte_order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return [first, second]
