"""Requests to send stored events again, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from edge_agent.errors import Rejected

RESEND_LIMIT: Final = 1000
"""Rows that one request gets at most; the answer says where to go on."""


@dataclass(frozen=True, slots=True)
class ResendRange:
    """A request to send part of a session's topic again, ``first`` and ``last`` included.

    ``reply_to``: who asks, where the rows are for that program alone.
    """

    session: str
    topic: str
    first: int
    last: int
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class ResendAnswer:
    """The result of a request that was carried out.

    Attributes:
        count: Rows that will be sent again.
        missing: Ranges of ``seq``, both ends included, that are no longer stored.
        more_from: The ``seq`` to ask from next where the request was longer than one answer; ``None`` where it was not.
    """

    count: int
    missing: tuple[tuple[int, int], ...]
    more_from: int | None


ResendOutcome: TypeAlias = ResendAnswer | Rejected
"""``Rejected`` where the request has to be made again later, with the reason in words for the subscriber."""


def gaps_between(present: Sequence[int], first: int, last: int) -> tuple[tuple[int, int], ...]:
    """The ranges between ``first`` and ``last`` that are not present; ``present`` ascends."""
    gaps, expected = [], first
    for number in [*present, last + 1]:
        if number > expected:
            gaps.append((expected, number - 1))
        expected = number + 1
    return tuple(gaps)
