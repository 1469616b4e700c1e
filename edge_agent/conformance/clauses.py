"""The numbered list of what the contract demands, each with one check.

A check is registered by :func:`must` beside its function. The fields of every message are demanded by the tables of
docs/contract/messages.md; their checks are made of the message types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge_agent.conformance.record import NotTested

R = TypeVar("R")

Check = Callable[[R], Iterable[str]]
"""Gives what is wrong, each in a few words; nothing where all is well. It may raise :class:`NotTested`."""


@dataclass(frozen=True)
class Clause(Generic[R]):
    """One demand.

    Attributes:
        number: In the list.
        topic: What it is about.
        text: The sentence of the contract.
        source: Where it stands.
        check: Judges a record.
    """

    number: int
    topic: str
    text: str
    source: str
    check: Check[R]


@dataclass(frozen=True)
class Verdict:
    """How a device fares by one clause.

    Attributes:
        number: Of the clause.
        topic: Of the clause.
        text: Of the clause.
        result: ``pass``, ``fail`` or ``not tested``.
        why: What is wrong, or why it was not tested.
    """

    number: int
    topic: str
    text: str
    result: str
    why: str


class Clauses(Generic[R]):
    """A list of clauses in the making.

    Args:
        first: Number of the first one.
    """

    def __init__(self, first: int = 1) -> None:
        self._next = first
        self.all: list[Clause[R]] = []

    def must(self, topic: str, text: str, source: str) -> Callable[[Check[R]], Check[R]]:
        """Register a check for a sentence of the contract."""

        def register(check: Check[R]) -> Check[R]:
            self.all.append(Clause(self._next, topic, text, source, check))
            self._next += 1
            return check

        return register


def judge(clauses: Iterable[Clause[R]], record: R) -> list[Verdict]:
    """Check a record by every clause."""
    return [_judge(clause, record) for clause in clauses]


def _judge(clause: Clause[R], record: R) -> Verdict:
    try:
        wrong = list(clause.check(record))
    except NotTested as reason:
        return Verdict(clause.number, clause.topic, clause.text, "not tested", str(reason))
    except Exception as error:  # noqa: BLE001 - a message that no check expected: that is the finding
        wrong = [f"it cannot be judged: {type(error).__name__}: {error}"]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Verdict(
        clause.number, clause.topic, clause.text, "fail" if wrong else "pass", wrong[0] + more if wrong else ""
    )
