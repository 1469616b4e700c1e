"""Compares what a device accepted with what a subscriber received. Takes lists and returns findings, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple


def digest(payload: bytes) -> str:
    """What stands for the bytes of an event in the device's log."""
    return blake2b(payload, digest_size=8).hexdigest()


class Event(NamedTuple):
    """The identity of an event: the run, the name of the topic, and the number within both."""

    session: str
    topic: str
    seq: int


class Receipt(NamedTuple):
    """An event as a subscriber got it.

    Attributes:
        event: Which event.
        event_id: The id in its payload.
        payload: Its bytes.
        again: Whether it was marked as sent late or again.
        at: Monotonic seconds at which it arrived.
    """

    event: Event
    event_id: str
    payload: bytes
    again: bool
    at: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of comparing one subscriber with the device.

    Attributes:
        accepted: Events the device accepted.
        received: How many of them arrived.
        duplicates: Receipts of events that had arrived before.
        missing: Accepted events that did not arrive.
        wrong: Everything that must never happen, in words.
    """

    accepted: int
    received: int
    duplicates: int
    missing: tuple[Event, ...]
    wrong: tuple[str, ...]


def compare(
    accepted: Sequence[Event], receipts: Sequence[Receipt], *, asked: bool = True, runs_apart: bool = False
) -> Findings:
    """Check one subscriber.

    Args:
        accepted: What the device accepted, in that order. It may have accepted more than it could log.
        receipts: What arrived, in that order.
        asked: Whether a subscriber asked for events again meanwhile.
        runs_apart: Whether only the order within a run counts, because an earlier run's events were out of reach.
    """
    came = {receipt.event for receipt in receipts}
    missing = tuple(event for event in accepted if event not in came)
    return Findings(
        accepted=len(accepted),
        received=len(accepted) - len(missing),
        duplicates=len(receipts) - len(came),
        missing=missing,
        wrong=(*_contradictions(receipts), *_disorder(accepted, receipts, asked=asked, runs_apart=runs_apart)),
    )


def altered(digests: Mapping[Event, str], receipts: Iterable[Receipt]) -> list[str]:
    """Events that came with other bytes than the device accepted."""
    return [
        f"{receipt.event} came with other bytes than were accepted"
        for receipt in receipts
        if digests.get(receipt.event, digest(receipt.payload)) != digest(receipt.payload)
    ]


def unreported(missing: Iterable[Event], receipts: Iterable[Receipt], reported: Collection[Event]) -> list[Event]:
    """Missing events that a subscriber can know of, because a later one of their run and topic came, and does not.

    Args:
        missing: What did not come.
        receipts: What came.
        reported: Events that were reported as lost.
    """
    last: dict[tuple[str, str], int] = {}
    for receipt in receipts:
        key = (receipt.event.session, receipt.event.topic)
        last[key] = max(receipt.event.seq, last.get(key, 0))
    return [e for e in missing if e not in reported and e.seq < last.get((e.session, e.topic), 0)]


def _contradictions(receipts: Iterable[Receipt]) -> list[str]:
    """One event has one id and one content, and every id belongs to one event."""
    wrong: list[str] = []
    first: dict[Event, Receipt] = {}
    owners: dict[str, Event] = {}
    for receipt in receipts:
        known = first.setdefault(receipt.event, receipt)
        if (known.event_id, known.payload) != (receipt.event_id, receipt.payload):
            wrong.append(f"{receipt.event} came again with another id or content")
        if owners.setdefault(receipt.event_id, receipt.event) != receipt.event:
            wrong.append(f"{receipt.event_id} stands for two events")
    return wrong


def _disorder(accepted: Sequence[Event], receipts: Iterable[Receipt], *, asked: bool, runs_apart: bool) -> list[str]:
    """What arrives for the first time arrives in the order in which the device accepted it, whatever its topic.

    What a subscriber asked for again is marked and may arrive at any time. Of events that the device had no time to
    log, the order within their topic is known too: sessions sort by time.
    """
    places = {event: place for place, event in enumerate(accepted)}
    wrong: list[str] = []
    seen: set[Event] = set()
    furthest: dict[str, int] = {}
    last: dict[tuple[str, str], tuple[str, int]] = {}
    for receipt in receipts:
        event = receipt.event
        if event in seen:
            continue
        seen.add(event)
        if asked and receipt.again:
            continue
        run = event.session if runs_apart else ""
        before = furthest.get(run, -1)
        place = places.get(event, before)
        if place < before or (event.session, event.seq) < last.get((run, event.topic), ("", 0)):
            wrong.append(f"{event} came after later ones")
        furthest[run] = max(before, place)
        last[run, event.topic] = (event.session, event.seq)
    return wrong
