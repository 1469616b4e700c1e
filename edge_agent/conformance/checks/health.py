"""How a device reports that it is well or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, unix_of
from edge_agent.protocol.topics import EXPRESSION, HEALTH, SUMMARY

CLAUSES: Clauses[Record] = Clauses(401)
_HEALTH = "contract/messages.md, health"


@CLAUSES.must("health", "health comes every health_every_s.", _HEALTH)
def every(record: Record) -> Iterator[str]:
    watched, seconds = record.step("watch"), float(record.births()[0].get("health_every_s"))
    if watched.ended - watched.began < 2 * seconds:
        raise NotTested(f"it comes every {seconds:g} s: give --seconds {2 * seconds:.0f}")
    reports = [seen for seen in record.live(HEALTH) if watched.began <= seen.at <= watched.ended]
    times = [watched.began, *(seen.at for seen in reports), watched.ended]
    longest = max(after - before for before, after in pairwise(times))
    if longest > 2 * seconds + 1.0:
        yield f"none for {longest:.1f} s, and health_every_s is {seconds:g}"


@CLAUSES.must("health", "last_seq names topics that are numbered.", _HEALTH)
def topics(record: Record) -> Iterator[str]:
    for seen in record.of(HEALTH):
        if unknown := set(seen.get("last_seq")) - {EXPRESSION, SUMMARY}:
            yield f"{seen.label}: last_seq has {sorted(unknown)}"


@CLAUSES.must(
    "health", "last_seq is the highest seq that the broker has acknowledged: nobody can have seen more.", _HEALTH
)
def not_behind(record: Record) -> Iterator[str]:
    events = record.fresh(SUMMARY)
    for seen in record.live(HEALTH):
        # What is under way while a report is written is counted in the next one.
        earlier = [
            event.get("seq")
            for event in events
            if event.at < seen.at - 1.5 and event.get("session") == seen.get("session")
        ]
        if earlier and seen.get("last_seq").get(SUMMARY, 0) < max(earlier):
            yield f"{seen.label}: last_seq {seen.get('last_seq')}, and summary {max(earlier)} had come"


@CLAUSES.must("health", "last_seq counts what was sent: nothing of it is missing.", _HEALTH)
def not_ahead(record: Record) -> Iterator[str]:
    record.fresh(EXPRESSION, SUMMARY)
    for name in (EXPRESSION, SUMMARY):
        try:
            events = record.fresh(name)
        except NotTested:
            continue
        for seen in record.live(HEALTH):
            came = [event.get("seq") for event in events if event.get("session") == seen.get("session")]
            first_came = [event.at for event in events if event.get("session") == seen.get("session")]
            claimed = seen.get("last_seq").get(name, 0)
            if came and seen.at > min(first_came) and claimed > max(came):
                yield f"{seen.label}: last_seq {claimed} of {name}, and {max(came)} is the highest that came"


@CLAUSES.must("health", "last_seq of a session does not fall.", _HEALTH)
def last_seq_rises(record: Record) -> Iterator[str]:
    known: dict[tuple[str, str], int] = {}
    for seen in record.live(HEALTH):
        for name, number in seen.get("last_seq").items():
            if number < known.get((str(seen.get("session")), name), 0):
                yield f"{seen.label}: last_seq of {name} fell to {number}"
            known[(str(seen.get("session")), name)] = number


@CLAUSES.must("health", "frames_read counts since the session began and does not fall.", _HEALTH)
def frames_rise(record: Record) -> Iterator[str]:
    known: dict[str, int] = {}
    for seen in record.live(HEALTH):
        session = str(seen.get("session"))
        if seen.get("frames_read") < known.get(session, 0):
            yield f"{seen.label}: frames_read fell to {seen.get('frames_read')}"
        known[session] = seen.get("frames_read")


@CLAUSES.must("health", "frames_dropped counts frames among frames_read.", _HEALTH)
def dropped(record: Record) -> Iterator[str]:
    for seen in record.of(HEALTH):
        if seen.get("frames_dropped") > seen.get("frames_read"):
            yield f"{seen.label}: {seen.get('frames_dropped')} dropped of {seen.get('frames_read')}"


@CLAUSES.must("health", "p50 is not above p95.", _HEALTH)
def percentiles(record: Record) -> Iterator[str]:
    for seen in record.of(HEALTH):
        for stage, took in seen.get("latency_ms").items():
            if took["p50"] > took["p95"]:
                yield f"{seen.label}: {stage} has p50 {took['p50']} and p95 {took['p95']}"


@CLAUSES.must("health", "problems are short words, each once.", _HEALTH)
def problems(record: Record) -> Iterator[str]:
    for seen in record.of(HEALTH):
        words = seen.get("problems", [])
        if len(set(words)) != len(words) or any(" " in word or not word for word in words):
            yield f"{seen.label}: problems {words}"


@CLAUSES.must("health", "A camera that is closed on request says so: state and muted agree.", _HEALTH)
def muted_camera(record: Record) -> Iterator[str]:
    for seen in record.of(HEALTH):
        if (seen.get("camera")["state"] == "muted") != (seen.get("muted", False) is True):
            yield f"{seen.label}: muted {seen.get('muted')}, camera {seen.get('camera')['state']!r}"


@CLAUSES.must("health", "observed_at and mono_ms of health rise.", _HEALTH)
def times_rise(record: Record) -> Iterator[str]:
    before: dict[str, tuple[int, float]] = {}
    for seen in record.live(HEALTH):
        session, now = str(seen.get("session")), (seen.get("mono_ms"), unix_of(seen.get("observed_at")))
        last = before.get(session)
        if last and (now[0] < last[0] or (seen.get("clock_synced") and now[1] < last[1] - 1.0)):
            yield f"{seen.label}: {now[0]} ms after {last[0]} ms"
        before[session] = now


@CLAUSES.must("health", "A device that is well gives no summary of figures while its camera is not ok.", _HEALTH)
def figures_need_a_camera(record: Record) -> Iterator[str]:
    reports = record.live(HEALTH)
    for before, after in pairwise(reports):
        states = {report.get("camera")["state"] for report in (before, after)}
        if states <= {"muted", "dark", "frozen", "failed", "stalled"}:
            for seen in record.fresh(SUMMARY):
                window = float(seen.get("window_s"))
                if before.at + window + 1.0 < seen.at < after.at and seen.get("faces") is not None:
                    yield f"{seen.label}: {seen.get('faces')} faces, and the camera was {sorted(states)}"
