"""A log of what a device accepted, in a file that outlives the device."""

from __future__ import annotations

import os
import re
from collections import deque
from pathlib import Path

from edge_agent.device.messenger import Messenger
from qa.faults.checker import Event, digest

READY = "ready"
"""Written by every process once it handles the signal to fall quiet."""

QUIET = "quiet"
"""Written when the device makes no events any more and has accepted all it made."""

DELIVERED = "delivered"
"""Written when, after that, the broker has acknowledged all of them."""

_LINE = re.compile(r"(?P<session>\w{16}) (?P<topic>expression|summary) (?P<seq>\d{1,12}) (?P<digest>[0-9a-f]{16})")


class AcceptedLog:
    """Logs every event once the outbox has accepted it.

    An event is logged after it was accepted, never before. So a device that is killed in between has accepted more
    than is logged, and everything that is logged must arrive.

    Args:
        messenger: The device's messenger, not started yet.
        file: The log; lines are added to what is there.
    """

    def __init__(self, messenger: Messenger, file: Path) -> None:
        self._messenger = messenger
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._handed: deque[tuple[Event, str]] = deque()
        self._logged = 0
        outbox = messenger._outbox
        put = outbox.put

        def put_and_remember(topic: str, session: str, seq: int, payload: bytes, mono_ms: int) -> None:
            self._handed.append((Event(session, topic, seq), digest(payload)))
            put(topic, session, seq, payload, mono_ms)

        setattr(outbox, "put", put_and_remember)  # noqa: B010 - remembers what the pipeline hands over

    @property
    def waiting(self) -> int:
        """Events handed over and not accepted yet."""
        return len(self._handed)

    def update(self) -> None:
        """Log what has been accepted since the last time."""
        new = self._messenger.statistics().outbox.accepted - self._logged
        if new:
            self._logged += new
            events = [self._handed.popleft() for _ in range(new)]
            self._write("".join(f"{' '.join(map(str, event))} {of_payload}\n" for event, of_payload in events))

    def write_word(self, word: str) -> None:
        """Log one of the words above."""
        self._write(f"{word}\n")

    def _write(self, text: str) -> None:
        os.write(self._file, text.encode())


def read_accepted(file: Path) -> dict[Event, str]:
    """The accepted events of all processes that wrote to it, in order, and the digests of their bytes.

    Lines that ``kill -9`` cut off are left out.
    """
    lines = file.read_text().splitlines() if file.exists() else []
    whole = filter(None, (_LINE.fullmatch(line) for line in lines))
    return {Event(line["session"], line["topic"], int(line["seq"])): line["digest"] for line in whole}
