"""What a device leaves behind when it ends, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen, unix_of
from edge_agent.protocol.topics import EXPRESSION, HEALTH, STATUS, SUMMARY

CLAUSES: Clauses[Record] = Clauses(701)
_ALIVE = "dashboards.md, Alive, stale, offline"
_STATUS = "contract/messages.md, status"
_NUMBERS = "dashboards.md, Numbers, duplicates, gaps"


def _death(record: Record, step: str) -> Seen:
    found = [seen for seen in record.within(step, STATUS) if seen.get("state") == "offline"]
    if not found:
        raise NotTested("no death was seen")
    return found[0]


def _birth(record: Record, step: str) -> Seen:
    found = [seen for seen in record.within(step, STATUS) if seen.get("state") == "online" and not seen.retained]
    if not found:
        raise NotTested("no birth was seen")
    return found[0]


@CLAUSES.must("lifecycle", "A device that is stopped says offline, with reason stopped.", _ALIVE)
def stopped(record: Record) -> Iterator[str]:
    deaths = [seen for seen in record.within("stop", STATUS) if seen.get("state") == "offline"]
    if not deaths:
        yield "no status said offline"
    elif deaths[0].get("reason") != "stopped":
        yield f"reason is {deaths[0].get('reason')!r}"


@CLAUSES.must("lifecycle", "The death is kept for those who come later.", _STATUS)
def death_is_kept(record: Record) -> Iterator[str]:
    kept = record.kept_at("stopped", STATUS)
    if not kept or kept[-1].get("state") != "offline":
        yield f"kept is {kept[-1].get('state') if kept else 'nothing'!r}"


@CLAUSES.must("lifecycle", "The death names the session that was born.", _STATUS)
def death_of_that_session(record: Record) -> Iterator[str]:
    death = _death(record, "stop")
    if death.get("session") != record.session:
        yield f"session {death.get('session')!r}, and {record.session!r} was alive"


@CLAUSES.must("lifecycle", "After its death a session says nothing more.", _STATUS)
def silence_after_death(record: Record) -> Iterator[str]:
    death = _death(record, "stop")
    ended = record.step("stop").ended
    for seen in record.seen:
        if death.at < seen.at <= ended and seen.name in (HEALTH, SUMMARY, EXPRESSION) and not seen.resent:
            yield f"{seen.label}: after the death at {death.at:.1f} s"


@CLAUSES.must("lifecycle", "A device that starts publishes its birth.", _ALIVE)
def born(record: Record) -> Iterator[str]:
    if not [seen for seen in record.within("start", STATUS) if seen.get("state") == "online"]:
        yield "no status said online"


@CLAUSES.must("lifecycle", "Every run has a session of its own.", _STATUS)
def new_session(record: Record) -> Iterator[str]:
    if _birth(record, "start").get("session") == record.session:
        yield f"session {record.session!r} was born again"


@CLAUSES.must("lifecycle", "session sorts by time: a later run has a greater one.", "contract/messages.md")
def greater_session(record: Record) -> Iterator[str]:
    if str(_birth(record, "start").get("session")) < record.session:
        yield f"{_birth(record, 'start').get('session')!r} is smaller than {record.session!r}"


@CLAUSES.must("lifecycle", "The birth comes before all else of its session.", _ALIVE)
def birth_first(record: Record) -> Iterator[str]:
    birth = _birth(record, "start")
    for seen in record.seen:
        early = record.step("start").began <= seen.at and seen.name in (HEALTH, SUMMARY, EXPRESSION)
        if early and seen.get("session") == birth.get("session") and record.seen.index(seen) < record.seen.index(birth):
            yield f"{seen.label}: before the birth"


@CLAUSES.must("lifecycle", "In a new session seq begins at 1.", _NUMBERS)
def begins_at_one(record: Record) -> Iterator[str]:
    session = _birth(record, "start").get("session")
    numbers = [seen.get("seq") for seen in record.fresh(SUMMARY) if seen.get("session") == session]
    if not numbers:
        raise NotTested("no summary of the new session came")
    if numbers[0] != 1:
        yield f"the first summary has seq {numbers[0]}"


@CLAUSES.must("lifecycle", "In a new session mono_ms begins at 0.", "contract/messages.md")
def mono_begins(record: Record) -> Iterator[str]:
    birth = _birth(record, "start")
    for seen in record.fresh(SUMMARY):
        if seen.get("session") == birth.get("session") and seen.get("mono_ms") / 1000 > seen.at - birth.at + 30.0:
            yield f"{seen.label}: mono_ms is {seen.get('mono_ms')}"
            return


@CLAUSES.must("lifecycle", "The birth lists the run before, whose events the device still holds.", _STATUS)
def lists_the_run_before(record: Record) -> Iterator[str]:
    before = _run_before(record)
    if before is None:
        yield f"{record.session!r} is not listed"


@CLAUSES.must("lifecycle", "last_seq of the run before is the highest seq that the broker has acknowledged.", _STATUS)
def last_seq_of_the_run_before(record: Record) -> Iterator[str]:
    before = _run_before(record)
    if before is None:
        raise NotTested("the run before is not listed")
    for name in (SUMMARY, EXPRESSION):
        try:
            came = [seen.get("seq") for seen in record.fresh(name) if seen.get("session") == record.session]
        except NotTested:
            continue
        if came and before["last_seq"].get(name, 0) != max(came):
            yield f"last_seq of {name} is {before['last_seq'].get(name)}, and {max(came)} is the last that came"


@CLAUSES.must("lifecycle", "Events of the run before can still be asked for.", _NUMBERS)
def resend_of_the_run_before(record: Record) -> Iterator[str]:
    reply = record.reply("resend-of-the-run-before")
    if reply.get("ok") is not True or not reply.get("result", {}).get("count"):
        yield f"ok {reply.get('ok')!r}, result {reply.get('result')}, error {reply.get('error', '')!r}"


@CLAUSES.must("lifecycle", "health of a new session comes with its birth: it is not that of the run before.", _ALIVE)
def health_of_the_new_run(record: Record) -> Iterator[str]:
    session = _birth(record, "start").get("session")
    if not [seen for seen in record.after("stop", HEALTH) if seen.get("session") == session]:
        yield "none came"


@CLAUSES.must("lifecycle", "The mute state survives a restart.", "contract/messages.md, desired")
def stays_muted(record: Record) -> Iterator[str]:
    step = record.step("start-muted")
    reports = [seen for seen in record.seen if seen.name == HEALTH and step.began <= seen.at <= step.ended]
    if not reports:
        raise NotTested("no health came")
    if reports[-1].get("muted") is not True:
        yield "health says that the camera is open"


@CLAUSES.must("lifecycle", "A device that breaks off is called offline by the broker: it has a last will.", _ALIVE)
def last_will(record: Record) -> Iterator[str]:
    if not [seen for seen in record.within("kill", STATUS) if seen.get("state") == "offline"]:
        step = record.step("kill")
        yield f"no status said offline within {step.ended - step.began:.0f} s"


@CLAUSES.must("lifecycle", "The last will comes within 10 s after the broker notices a broken connection.", _ALIVE)
def last_will_in_time(record: Record) -> Iterator[str]:
    step, death = record.step("kill"), _death(record, "kill")
    if death.at - step.began > 12.0:
        yield f"after {death.at - step.began:.1f} s"


@CLAUSES.must("lifecycle", "The last will gives connection_lost as the reason.", _STATUS)
def will_says_why(record: Record) -> Iterator[str]:
    if _death(record, "kill").get("reason") != "connection_lost":
        yield f"reason is {_death(record, 'kill').get('reason')!r}"


@CLAUSES.must("lifecycle", "The last will names the session that was born.", _STATUS)
def will_of_that_session(record: Record) -> Iterator[str]:
    alive = _birth(record, "start").get("session")
    if _death(record, "kill").get("session") != alive:
        yield f"session {_death(record, 'kill').get('session')!r}, and {alive!r} was alive"


@CLAUSES.must("lifecycle", "The last will is retained.", _STATUS)
def will_is_kept(record: Record) -> Iterator[str]:
    kept = record.kept_at("killed", STATUS)
    if not kept or kept[-1].get("state") != "offline":
        yield f"kept is {kept[-1].get('state') if kept else 'nothing'!r}"


@CLAUSES.must("lifecycle", "A device that comes back after a break says online.", _ALIVE)
def comes_back(record: Record) -> Iterator[str]:
    kept = record.kept_at("end", STATUS)
    record.step("start-muted")
    if not kept or kept[-1].get("state") != "online":
        yield f"kept is {kept[-1].get('state') if kept else 'nothing'!r}"


@CLAUSES.must("lifecycle", "A birth is dated when it was sent.", _STATUS)
def dated(record: Record) -> Iterator[str]:
    births = [seen for seen in record.births() if not seen.retained and seen.get("clock_synced") is True]
    if len(births) < 2:
        raise NotTested("give --start, and set the device's clock")
    for before, after in pairwise(births):
        off = (unix_of(after.get("at")) - unix_of(before.get("at"))) - (after.at - before.at)
        if abs(off) > 10.0:
            yield f"{after.label}: at {after.get('at')} is {off:.1f} s off"


def _run_before(record: Record) -> Any:
    listed = _birth(record, "start").get("sessions", [])
    return next((run for run in listed if run["session"] == record.session), None)
