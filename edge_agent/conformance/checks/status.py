"""Births and deaths as a device words them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen, unix_of
from edge_agent.protocol.topics import EXPRESSION, STATUS, SUMMARY

CLAUSES: Clauses[Record] = Clauses(201)
_STATUS = "contract/messages.md, status"
_ALIVE = "dashboards.md, Alive, stale, offline"


def _births(record: Record) -> list[Seen]:
    births = record.births()
    if not births:
        raise NotTested("no status said online")
    return births


def _deaths(record: Record, reason: str = "") -> list[Seen]:
    deaths = [
        seen
        for seen in record.of(STATUS)
        if seen.get("state") == "offline" and not seen.retained and (not reason or seen.get("reason") == reason)
    ]
    if not deaths:
        raise NotTested(f"no death{f' with reason {reason}' if reason else ''} was seen")
    return deaths


@CLAUSES.must("status", "A device that is there has a retained status that says online.", _ALIVE)
def online(record: Record) -> Iterator[str]:
    kept = record.kept_at("watched", STATUS)
    if not kept:
        raise NotTested("no status is kept")
    if kept[-1].get("state") != "online":
        yield f"state is {kept[-1].get('state')!r}"


def _says(record: Record, name: str, right: Any, wanted: str) -> Iterator[str]:
    for birth in _births(record):
        if not right(birth.get(name)):
            yield f"{birth.label}: {name} is {birth.get(name)!r}, expected {wanted}"


@CLAUSES.must("status", "A birth lists the labels that the model knows.", _STATUS)
def labels(record: Record) -> Iterator[str]:
    yield from _says(record, "labels", lambda found: isinstance(found, list) and len(found) >= 2, "two or more names")


@CLAUSES.must("status", "Labels are in the order of the model's outputs, each once.", _STATUS)
def labels_once(record: Record) -> Iterator[str]:
    yield from _says(record, "labels", lambda found: len(set(found)) == len(found), "each name once")


@CLAUSES.must("status", "A birth says how often health comes.", _STATUS)
def health_every(record: Record) -> Iterator[str]:
    yield from _says(record, "health_every_s", lambda found: found > 0, "seconds")


@CLAUSES.must("status", "A birth says the agent's version.", _STATUS)
def agent_version(record: Record) -> Iterator[str]:
    yield from _says(record, "version", bool, "a version")


@CLAUSES.must("status", "A birth says when mono_ms was 0.", _STATUS)
def started(record: Record) -> Iterator[str]:
    yield from _says(record, "started_at", bool, "a time")


@CLAUSES.must("status", "A birth says when it was sent.", _STATUS)
def sent(record: Record) -> Iterator[str]:
    yield from _says(record, "at", bool, "a time")


@CLAUSES.must("status", "A birth says whether the clock was set when it was written.", _STATUS)
def clock(record: Record) -> Iterator[str]:
    yield from _says(record, "clock_synced", lambda found: isinstance(found, bool), "true or false")


@CLAUSES.must("status", "A birth is not sent before its session started.", _STATUS)
def sent_after_start(record: Record) -> Iterator[str]:
    for birth in _births(record):
        if unix_of(birth.get("at")) < unix_of(birth.get("started_at")) - 0.01:
            yield f"{birth.label}: at {birth.get('at')} is before started_at {birth.get('started_at')}"


@CLAUSES.must("status", "A birth lists the runs whose events the device holds, this one included.", _STATUS)
def lists_itself(record: Record) -> Iterator[str]:
    for birth in _births(record):
        if birth.get("session") not in [run["session"] for run in birth.get("sessions", [])]:
            yield f"{birth.label}: sessions does not list its own"


@CLAUSES.must("status", "Runs are listed newest first.", _STATUS)
def newest_first(record: Record) -> Iterator[str]:
    for birth in _births(record):
        listed = [run["session"] for run in birth.get("sessions", [])]
        if listed != sorted(listed, reverse=True):
            yield f"{birth.label}: sessions are {listed}"


@CLAUSES.must("status", "At most 64 runs are listed, each once.", _STATUS)
def runs_listed(record: Record) -> Iterator[str]:
    for birth in _births(record):
        listed = [run["session"] for run in birth.get("sessions", [])]
        if len(listed) > 64 or len(set(listed)) != len(listed):
            yield f"{birth.label}: lists {len(listed)} runs, {len(set(listed))} different ones"


@CLAUSES.must("status", "last_seq of a run names topics that are numbered.", _STATUS)
def topics_of_runs(record: Record) -> Iterator[str]:
    for birth in _births(record):
        for run in birth.get("sessions", []):
            if unknown := set(run["last_seq"]) - {EXPRESSION, SUMMARY}:
                yield f"{birth.label}: last_seq has {sorted(unknown)}"


@CLAUSES.must("status", "Within a session, births agree about its start, unless the clock was set.", _STATUS)
def one_start(record: Record) -> Iterator[str]:
    starts: dict[tuple[Any, Any], float] = {}
    for birth in _births(record):
        start = unix_of(birth.get("started_at"))
        first = starts.setdefault((birth.get("session"), birth.get("clock_synced")), start)
        if abs(first - start) > 1.5:
            yield f"{birth.label}: started_at moved by {start - first:.1f} s"


@CLAUSES.must("status", "A death names the session that is dead.", _STATUS)
def death_of_a_birth(record: Record) -> Iterator[str]:
    known = {birth.get("session") for birth in record.births()}
    for death in _deaths(record):
        if death.get("session") not in known:
            yield f"{death.label}: session {death.get('session')!r} was never born"


@CLAUSES.must("status", "A death says why: stopped or connection_lost.", _STATUS)
def death_has_reason(record: Record) -> Iterator[str]:
    for death in _deaths(record):
        if death.get("reason") not in ("stopped", "connection_lost"):
            yield f"{death.label}: reason is {death.get('reason')!r}"


@CLAUSES.must("status", "A death on purpose says when it was sent.", _STATUS)
def stopped_is_dated(record: Record) -> Iterator[str]:
    for death in _deaths(record, "stopped"):
        if not death.get("at"):
            yield f"{death.label}: no at"


@CLAUSES.must("status", "The last will has no date, since the broker sends it.", _STATUS)
def will_is_not_dated(record: Record) -> Iterator[str]:
    for death in _deaths(record, "connection_lost"):
        if "at" in death.fields:
            yield f"{death.label}: at is {death.get('at')!r}"
