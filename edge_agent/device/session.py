"""Runs of the agent: ids that sort by time, and the numbers and times of their messages."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from edge_agent.clock import Clock, utc_text

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: sorts as the numbers do, and has no letters that look like digits."""
_TIME_CHARS, _RANDOM_CHARS = 10, 6
_LENGTH = _TIME_CHARS + _RANDOM_CHARS
_LATEST_MS = 2 ** (5 * _TIME_CHARS) - 1


def new_session_id(unix_ms: int, after: str = "", random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """An id for a run: 50 bits of time in milliseconds and 30 random bits in 16 characters that sort by time.

    Args:
        unix_ms: Wall-clock time; may be wrong.
        after: An earlier id that the new one must be greater than, however the clock has been set meanwhile. Text that
            is no such id is ignored: nothing sensible could be counted up from it.
        random_bits: Source of randomness.
    """
    earliest_ms = _time_of(after) + 1 if is_session_id(after) else 0
    time_ms = min(max(unix_ms, earliest_ms, 0), _LATEST_MS)
    return _digits(time_ms, _TIME_CHARS) + _digits(random_bits(5 * _RANDOM_CHARS), _RANDOM_CHARS)


def is_session_id(text: str) -> bool:
    """Whether this is an id that :func:`new_session_id` can have made and can still count up from."""
    return len(text) == _LENGTH and set(text) <= set(_ALPHABET) and _time_of(text) < _LATEST_MS


def _time_of(session_id: str) -> int:
    value = 0
    for char in session_id[:_TIME_CHARS]:
        value = value * 32 + _ALPHABET.index(char)
    return value


def _digits(value: int, count: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (count - 1), -1, -5))


class Session:
    """One run of the agent.

    Attributes:
        id: Its id.
        started: Monotonic seconds at which ``mono_ms`` is 0.
    """

    def __init__(self, session_id: str, clock: Clock) -> None:
        self.id = session_id
        self.started = clock.monotonic()
        self._clock = clock
        self._last: dict[str, int] = {}

    def next_seq(self, topic: str) -> int:
        """The next number within this session and topic, from 1. Callers take turns: it is not locked."""
        self._last[topic] = self._last.get(topic, 0) + 1
        return self._last[topic]

    def mono_ms(self, monotonic_s: float) -> int:
        """Milliseconds since the session began."""
        return round((monotonic_s - self.started) * 1000)

    def started_unix_s(self) -> float:
        """When the session began, by the wall clock as it stands now."""
        return self._wall_of(self.started)

    def utc(self, monotonic_s: float) -> str:
        """A monotonic time as wall-clock time, by the wall clock as it stands now."""
        return utc_text(self._wall_of(monotonic_s))

    def _wall_of(self, monotonic_s: float) -> float:
        return self._clock.wall() - (self._clock.monotonic() - monotonic_s)
