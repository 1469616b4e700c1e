"""Events: expressions and summaries, their numbers and their contents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen, unix_of
from edge_agent.protocol.topics import EXPRESSION, HEALTH, SUMMARY

CLAUSES: Clauses[Record] = Clauses(301)
_NUMBERS = "dashboards.md, Numbers, duplicates, gaps"
_EXPRESSION = "contract/messages.md, expression"
_SUMMARY = "contract/messages.md, summary"
_BOTH = (EXPRESSION, SUMMARY)


def _no_gap(record: Record, name: str) -> Iterator[str]:
    for session, events in record.by_session(name):
        numbers = sorted({int(seen.get("seq")) for seen in events})
        missing = set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
        if missing:
            yield f"{name} of session {session}: {sorted(missing)[:5]} are missing"


@CLAUSES.must("events", "seq of expression has no gaps within a session.", _NUMBERS)
def expressions_without_gap(record: Record) -> Iterator[str]:
    yield from _no_gap(record, EXPRESSION)


@CLAUSES.must("events", "seq of summary has no gaps within a session.", _NUMBERS)
def summaries_without_gap(record: Record) -> Iterator[str]:
    yield from _no_gap(record, SUMMARY)


def _ascending(record: Record, name: str, field: str) -> Iterator[str]:
    for session, events in record.by_session(name):
        for before, after in pairwise(events):
            if after.get(field) < before.get(field):
                yield f"{name} of session {session}: {field} {after.get(field)} comes after {before.get(field)}"


@CLAUSES.must("events", "A device sends new expressions in the order in which it accepted them.", _NUMBERS)
def expressions_in_order(record: Record) -> Iterator[str]:
    yield from _ascending(record, EXPRESSION, "seq")


@CLAUSES.must("events", "A device sends new summaries in the order in which it accepted them.", _NUMBERS)
def summaries_in_order(record: Record) -> Iterator[str]:
    yield from _ascending(record, SUMMARY, "seq")


@CLAUSES.must("events", "mono_ms of summaries does not run backwards within a session.", "contract/messages.md")
def summaries_in_time(record: Record) -> Iterator[str]:
    yield from _ascending(record, SUMMARY, "mono_ms")


@CLAUSES.must("events", "A number stands for one event: the same seq has the same event_id.", _NUMBERS)
def one_event_a_number(record: Record) -> Iterator[str]:
    known: dict[Any, Any] = {}
    for seen in record.live(*_BOTH):
        key = seen.name, seen.get("session"), seen.get("seq")
        if known.setdefault(key, seen.get("event_id")) != seen.get("event_id"):
            yield f"{seen.label}: {known[key]!r} and {seen.get('event_id')!r} have the same number"


@CLAUSES.must("events", "The same event sent twice has the same bytes.", _NUMBERS)
def same_bytes(record: Record) -> Iterator[str]:
    known: dict[Any, bytes] = {}
    for seen in record.live(*_BOTH):
        if known.setdefault(seen.get("event_id"), seen.payload) != seen.payload:
            yield f"{seen.label}: {seen.get('event_id')} has come with other bytes"


@CLAUSES.must("events", "seq counts from 1.", _NUMBERS)
def from_one(record: Record) -> Iterator[str]:
    for seen in record.live(*_BOTH):
        if seen.get("seq") < 1:
            yield f"{seen.label}: seq is {seen.get('seq')}"


def _ids(record: Record, name: str) -> Iterator[str]:
    for seen in record.live(name):
        expected = f"{record.topics.device}/{seen.get('session')}/{name}/{seen.get('seq')}"
        if seen.get("event_id") != expected:
            yield f"{seen.label}: event_id is {seen.get('event_id')!r}, expected {expected!r}"


@CLAUSES.must("events", "event_id of an expression is {device}/{session}/expression/{seq}.", _EXPRESSION)
def expression_ids(record: Record) -> Iterator[str]:
    yield from _ids(record, EXPRESSION)


@CLAUSES.must("events", "event_id of a summary is {device}/{session}/summary/{seq}.", _SUMMARY)
def summary_ids(record: Record) -> Iterator[str]:
    yield from _ids(record, SUMMARY)


@CLAUSES.must("events", "observed_at and mono_ms tell the same moment, where the clock is set.", _EXPRESSION)
def moments_agree(record: Record) -> Iterator[str]:
    starts = {
        birth.get("session"): unix_of(birth.get("started_at"))
        for birth in record.births()
        if birth.get("clock_synced") is True
    }
    compared = [
        seen for seen in record.live(*_BOTH) if seen.get("session") in starts and seen.get("clock_synced") is True
    ]
    if not compared:
        raise NotTested("the device's clock is not set")
    for seen in compared:
        off = unix_of(seen.get("observed_at")) - starts[seen.get("session")] - seen.get("mono_ms") / 1000
        if abs(off) > 1.5:
            yield f"{seen.label}: observed_at and mono_ms are {off:.1f} s apart"


@CLAUSES.must("events", "An event is not observed after it was sent.", _EXPRESSION)
def not_from_the_future(record: Record) -> Iterator[str]:
    births = {birth.get("session"): birth for birth in record.births() if not birth.retained}
    compared = [seen for seen in record.live(*_BOTH) if seen.get("session") in births]
    if not compared:
        raise NotTested("no birth was seen: give --start")
    for seen in compared:
        birth = births[seen.get("session")]
        began = birth.at - (unix_of(birth.get("at")) - unix_of(birth.get("started_at")))
        if seen.get("mono_ms") / 1000 > seen.at - began + 1.0:
            yield f"{seen.label}: mono_ms is {seen.get('mono_ms')}, after it came"


@CLAUSES.must("events", "kind is start, change or end.", _EXPRESSION)
def kinds(record: Record) -> Iterator[str]:
    for seen in record.live(EXPRESSION):
        if seen.get("kind") not in ("start", "change", "end"):
            yield f"{seen.label}: kind is {seen.get('kind')!r}"


@CLAUSES.must("events", "previous is null at start.", _EXPRESSION)
def previous_at_start(record: Record) -> Iterator[str]:
    for seen in _of_kind(record, "start"):
        if seen.get("previous", "absent") is not None:
            yield f"{seen.label}: previous is {seen.get('previous')!r}"


@CLAUSES.must("events", "held_s is 0 at start, where nothing was stable before.", _EXPRESSION)
def held_at_start(record: Record) -> Iterator[str]:
    for seen in _of_kind(record, "start"):
        if seen.get("held_s") != 0:
            yield f"{seen.label}: held_s is {seen.get('held_s')!r}"


@CLAUSES.must("events", "A change names another expression than the one before.", _EXPRESSION)
def change_changes(record: Record) -> Iterator[str]:
    for seen in _of_kind(record, "change"):
        if seen.get("previous") is None or seen.get("previous") == seen.get("expression"):
            yield f"{seen.label}: from {seen.get('previous')!r} to {seen.get('expression')!r}"


@CLAUSES.must("events", "previous is the stable expression before, as the track's last event named it.", _EXPRESSION)
def previous_is_the_one_before(record: Record) -> Iterator[str]:
    for before, seen in _neighbours(record):
        if seen.get("kind") == "change" and seen.get("previous") != before.get("expression"):
            yield f"{seen.label}: previous {seen.get('previous')!r}, after {before.get('expression')!r}"


@CLAUSES.must("events", "end names the expression that ended.", _EXPRESSION)
def end_names_what_ended(record: Record) -> Iterator[str]:
    for before, seen in _neighbours(record):
        if seen.get("kind") == "end" and seen.get("expression") != before.get("expression"):
            yield f"{seen.label}: {seen.get('expression')!r} ended, after {before.get('expression')!r}"


@CLAUSES.must("events", "A track that has not ended does not start again.", _EXPRESSION)
def one_start_a_track(record: Record) -> Iterator[str]:
    for before, seen in _neighbours(record):
        if seen.get("kind") == "start" and before.get("kind") != "end":
            yield f"{seen.label}: track {seen.get('track')!r} starts, and its {before.get('kind')} came before"


@CLAUSES.must("events", "After its end a track has no change and no other end.", _EXPRESSION)
def nothing_after_the_end(record: Record) -> Iterator[str]:
    for before, seen in _neighbours(record):
        if before.get("kind") == "end" and seen.get("kind") != "start":
            yield f"{seen.label}: {seen.get('kind')} of track {seen.get('track')!r} after its end"


@CLAUSES.must("events", "expression is one of the labels that status lists, or uncertain.", _EXPRESSION)
def known_expressions(record: Record) -> Iterator[str]:
    known = _labels(record) | {"uncertain"}
    for seen in record.live(EXPRESSION):
        if seen.get("expression") not in known:
            yield f"{seen.label}: expression {seen.get('expression')!r}"


@CLAUSES.must("events", "scores has a probability for every label.", _EXPRESSION)
def scores_by_label(record: Record) -> Iterator[str]:
    known = _labels(record)
    for seen in record.live(EXPRESSION):
        if set(seen.get("scores")) != known:
            yield f"{seen.label}: scores of {sorted(seen.get('scores'))}"


@CLAUSES.must("events", "scores sum to 1 but for rounding.", _EXPRESSION)
def scores_sum(record: Record) -> Iterator[str]:
    for seen in record.live(EXPRESSION):
        total = sum(seen.get("scores").values())
        if abs(total - 1.0) > 0.01:
            yield f"{seen.label}: scores sum to {total:.3f}"


@CLAUSES.must("events", "confidence is the probability of the expression, or of the likeliest label.", _EXPRESSION)
def confidences(record: Record) -> Iterator[str]:
    for seen in record.live(EXPRESSION):
        scores = seen.get("scores")
        expected = scores.get(seen.get("expression"), max(scores.values()))
        if abs(seen.get("confidence") - expected) > 0.011:
            yield f"{seen.label}: confidence {seen.get('confidence')}, scores say {expected}"


@CLAUSES.must("events", "Where a summary is suppressed, faces and shares are null.", _SUMMARY)
def suppressed(record: Record) -> Iterator[str]:
    for seen in _summaries(record, hidden=True):
        if seen.get("faces", 0) is not None or seen.get("shares", 0) is not None:
            yield f"{seen.label}: suppressed, faces {seen.get('faces')!r}, shares {seen.get('shares')!r}"


@CLAUSES.must("events", "Where a summary is not suppressed, it has faces and shares.", _SUMMARY)
def not_suppressed(record: Record) -> Iterator[str]:
    for seen in _summaries(record, hidden=False):
        if seen.get("faces") is None or seen.get("shares") is None:
            yield f"{seen.label}: faces {seen.get('faces')!r}, shares {seen.get('shares')!r}"


@CLAUSES.must("events", "shares sum to 1 but for rounding, or are empty.", _SUMMARY)
def shares_sum(record: Record) -> Iterator[str]:
    for seen in _summaries(record, hidden=False):
        shares = seen.get("shares")
        if shares and abs(sum(shares.values()) - 1.0) > 0.01:
            yield f"{seen.label}: shares sum to {sum(shares.values()):.3f}"


@CLAUSES.must("events", "shares are by label, uncertain and other.", _SUMMARY)
def shares_by_label(record: Record) -> Iterator[str]:
    known = _labels(record) | {"uncertain", "other"}
    for seen in _summaries(record, hidden=False):
        if unknown := set(seen.get("shares")) - known:
            yield f"{seen.label}: shares of {sorted(unknown)}"


@CLAUSES.must("events", "An empty classroom has no shares; who has an expression is there.", _SUMMARY)
def nobody_has_no_shares(record: Record) -> Iterator[str]:
    for seen in _summaries(record, hidden=False):
        if seen.get("faces") == 0 and seen.get("shares"):
            yield f"{seen.label}: 0 faces, and shares {seen.get('shares')}"


@CLAUSES.must("events", "A summary comes every window.", _SUMMARY)
def every_window(record: Record) -> Iterator[str]:
    watched = record.step("watch")
    events = [seen for seen in record.fresh(SUMMARY) if watched.began <= seen.at <= watched.ended]
    if any(seen.get("muted") for seen in record.of(HEALTH) if seen.at <= watched.ended):
        raise NotTested("the camera was closed")
    window = max(float(seen.get("window_s")) for seen in record.fresh(SUMMARY))
    times = [watched.began, *(seen.at for seen in events), watched.ended]
    longest = max(after - before for before, after in pairwise(times))
    if longest > 2 * window + 1.5:
        yield f"none for {longest:.1f} s, and windows of {window:g} s"


@CLAUSES.must("events", "An event that is not sent late comes within a minute.", "dashboards.md, Late")
def soon(record: Record) -> Iterator[str]:
    record.fresh(*_BOTH)
    for name in _BOTH:
        try:
            events = record.fresh(name)
        except NotTested:
            continue
        pairs = [(seen.at, seen.get("mono_ms") / 1000) for seen in events if seen.get("session") == record.session]
        for at, mono in pairs:
            if (at - pairs[0][0]) - (mono - pairs[0][1]) > 60:
                yield f"{name} at {at:.1f} s: more than a minute late"


@CLAUSES.must("events", "with_baseline counts faces: no more than there are, and none where suppressed.", _SUMMARY)
def no_more_baselines_than_faces(record: Record) -> Iterator[str]:
    summaries = [seen for seen in record.fresh(SUMMARY) if seen.get("with_baseline") is not None]
    if not summaries:
        raise NotTested("no summary had with_baseline")
    for seen in summaries:
        if seen.get("with_baseline") > (seen.get("faces") or 0):
            yield f"{seen.label}: with_baseline {seen.get('with_baseline')}, faces {seen.get('faces')}"


def _of_kind(record: Record, kind: str) -> list[Seen]:
    found = [seen for seen in record.fresh(EXPRESSION) if seen.get("kind") == kind]
    if not found:
        raise NotTested(f"no expression of kind {kind} came")
    return found


def _neighbours(record: Record) -> list[tuple[Seen, Seen]]:
    """Events of the same track that follow each other, by number."""
    found = []
    for _, events in record.by_session(EXPRESSION):
        last: dict[Any, Seen] = {}
        for seen in sorted(events, key=lambda event: int(event.get("seq"))):
            if seen.get("track") in last:
                found.append((last[seen.get("track")], seen))
            last[seen.get("track")] = seen
    if not found:
        raise NotTested("no track had two events")
    return found


def _summaries(record: Record, *, hidden: bool) -> list[Seen]:
    found = [seen for seen in record.fresh(SUMMARY) if seen.get("suppressed") is hidden]
    if not found:
        raise NotTested(f"no summary was {'' if hidden else 'not '}suppressed")
    return found


def _labels(record: Record) -> set[str]:
    return {label for birth in record.births() for label in birth.get("labels")}
