"""Finding the JPEG pictures in a stream of bytes, by the marks of JPEG itself.

Cameras write the boundaries of ``multipart/x-mixed-replace`` in many ways, some against every rule. The pictures
between them are all alike: so boundaries and part headers are passed over unread.
"""

from __future__ import annotations

import re
from typing import Final

_BEGIN: Final = b"\xff\xd8\xff"
_MARKER_IN_DATA: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""What ends the compressed data: any marker but a restart. 0xff within the data is followed by 0."""
_SCAN, _END, _BEGIN_AGAIN = 0xDA, 0xD9, 0xD8
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD8)})


class JpegSplitter:
    """Takes bytes as they come and gives whole pictures.

    Args:
        max_bytes: A picture that grows larger is given up: what comes is no JPEG stream, or a broken one.

    Attributes:
        damaged: Pictures so far that were cut off, too large or no JPEG after their first marker.
    """

    def __init__(self, max_bytes: int) -> None:
        self.damaged = 0
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._at: int | None = None
        """Where the picture that ``_held`` begins with was not looked at yet; ``None`` outside of one."""
        self._in_data = False

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that ``data`` completes, oldest first."""
        self._held += data
        pictures: list[bytes] = []
        while True:
            if self._at is None and not self._find_begin():
                return pictures
            end = self._find_end()
            if end is None:
                if len(self._held) <= self._max_bytes:
                    return pictures
                self._drop(len(_BEGIN))
            elif end < 0:
                self._drop(-end)
            else:
                pictures.append(bytes(self._held[:end]))
                del self._held[:end]
                self._at = None

    def _find_begin(self) -> bool:
        begin = self._held.find(_BEGIN)
        if begin < 0:
            # The last bytes may be the beginning of a mark.
            del self._held[: max(0, len(self._held) - len(_BEGIN) + 1)]
            return False
        del self._held[:begin]
        self._at, self._in_data = 2, False
        return True

    def _drop(self, count: int) -> None:
        """Give the present picture up, and look for another behind its first ``count`` bytes."""
        self.damaged += 1
        del self._held[:count]
        self._at = None

    def _find_end(self) -> int | None:
        """Where the picture ends; ``None`` for not yet; negative: how far it is damaged."""
        assert self._at is not None
        held, at = self._held, self._at
        while True:
            if self._in_data:
                found = _MARKER_IN_DATA.search(held, at)
                if found is None:
                    self._at = max(at, len(held) - 1)
                    return None
                at, self._in_data = found.start(), False
            self._at = at
            if at + 1 >= len(held):
                return None
            if held[at] != 0xFF:
                return -max(at, 1)
            marker = held[at + 1]
            if marker == _END:
                return at + 2
            if marker == _BEGIN_AGAIN or marker == 0:
                return -at
            if marker == 0xFF:  # padding
                at += 1
            elif marker in _WITHOUT_LENGTH:
                at += 2
            else:
                if at + 3 >= len(held):
                    return None
                length = int.from_bytes(held[at + 2 : at + 4], "big")
                if length < 2:
                    return -(at + 2)
                if at + 2 + length > len(held):
                    return None
                self._in_data = marker == _SCAN
                at += 2 + length
