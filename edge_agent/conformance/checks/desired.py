"""What a device is asked to be: above all, muted."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen
from edge_agent.protocol.topics import EXPRESSION, HEALTH, SUMMARY

CLAUSES: Clauses[Record] = Clauses(601)
_DESIRED = "contract/messages.md, desired"
_SUMMARY = "contract/messages.md, summary"


def _muted_after(record: Record, step: str) -> bool:
    """Whether the device says at the end of a step that its camera is closed."""
    ended = record.step(step).ended
    reports = [seen for seen in record.of(HEALTH) if seen.at <= ended]
    if not reports:
        raise NotTested("no health came")
    return bool(reports[-1].get("muted", False))


def _is(record: Record, step: str, *, muted: bool) -> Iterator[str]:
    if _muted_after(record, step) is not muted:
        yield f"health says that the camera is {'open' if muted else 'closed'}"


@CLAUSES.must("desired", '`"muted":true` closes the camera, and health says so.', _DESIRED)
def mutes(record: Record) -> Iterator[str]:
    yield from _is(record, "mute", muted=True)


@CLAUSES.must("desired", "health comes at once when muting changes.", "dashboards.md, Topics")
def says_so_at_once(record: Record) -> Iterator[str]:
    step = record.step("mute")
    changed = [seen for seen in record.of(HEALTH) if seen.at >= step.began and seen.get("muted") is True]
    if not changed:
        yield "health never said so"
    elif changed[0].at - step.began > 5.0:
        yield f"health said so after {changed[0].at - step.began:.1f} s"


@CLAUSES.must("desired", "The last summary before the camera is closed says muted.", _SUMMARY)
def muted_summary(record: Record) -> Iterator[str]:
    if not [seen for seen in _while_muted(record, SUMMARY) if seen.get("muted") is True]:
        yield "no summary said so"


@CLAUSES.must("desired", "After the summary that says muted, none comes until the camera is opened again.", _SUMMARY)
def no_summary_while_muted(record: Record) -> Iterator[str]:
    summaries = _while_muted(record, SUMMARY)
    last = [number for number, seen in enumerate(summaries) if seen.get("muted") is True]
    if not last:
        raise NotTested("no summary said muted")
    for seen in summaries[last[0] + 1 :]:
        yield f"{seen.label}: while the camera is closed"


@CLAUSES.must("desired", "A summary that says muted has no figures.", _SUMMARY)
def muted_without_figures(record: Record) -> Iterator[str]:
    found = [seen for seen in record.live(SUMMARY) if seen.get("muted") is True]
    if not found:
        raise NotTested("no summary said muted")
    for seen in found:
        if seen.get("faces") is not None or seen.get("shares") is not None or seen.get("suppressed") is not True:
            yield f"{seen.label}: faces {seen.get('faces')!r}, shares {seen.get('shares')!r}"


@CLAUSES.must("desired", "While the camera is closed no expression is perceived.", _DESIRED)
def no_expression_while_muted(record: Record) -> Iterator[str]:
    began = record.step("mute").ended
    for seen in record.within("muted", EXPRESSION):
        if seen.at > began + 1.0 and seen.get("kind") != "end" and not seen.historical:
            yield f"{seen.label}: while the camera is closed"


@CLAUSES.must(
    "desired", "Expressions that were stable end when the camera is closed.", "contract/messages.md, expression"
)
def tracks_end(record: Record) -> Iterator[str]:
    ended = record.step("muted").ended
    last = {
        (seen.get("session"), seen.get("track")): seen.get("kind")
        for seen in record.fresh(EXPRESSION)
        if seen.at <= ended and seen.get("session") == record.session
    }
    if not last:
        raise NotTested("no track was seen")
    for (_, track), kind in last.items():
        if kind != "end":
            yield f"track {track!r} has no end"


@CLAUSES.must("desired", "Of two dated messages the older one never overrides the newer one.", _DESIRED)
def older_one(record: Record) -> Iterator[str]:
    yield from _is(record, "open-with-older-date", muted=True)


@CLAUSES.must("desired", "A deleted message changes nothing.", _DESIRED)
def deleted(record: Record) -> Iterator[str]:
    yield from _is(record, "desired-deleted", muted=True)


@CLAUSES.must("desired", "An absent field asks for nothing.", _DESIRED)
def absent(record: Record) -> Iterator[str]:
    yield from _is(record, "desired-without-muted", muted=True)


@CLAUSES.must("desired", "Nothing malformed opens a camera.", _DESIRED)
def malformed_does_not_open(record: Record) -> Iterator[str]:
    yield from _is(record, "open-malformed", muted=True)


@CLAUSES.must("desired", "A message of another version does not open a camera.", _DESIRED)
def other_version(record: Record) -> Iterator[str]:
    yield from _is(record, "open-of-v2", muted=True)


@CLAUSES.must("desired", "What is no JSON changes nothing.", _DESIRED)
def no_json(record: Record) -> Iterator[str]:
    yield from _is(record, "desired-no-json", muted=True)


@CLAUSES.must("desired", "Two values of muted in one message open no camera.", _DESIRED)
def twice(record: Record) -> Iterator[str]:
    yield from _is(record, "open-twice", muted=True)


@CLAUSES.must("desired", '`"muted":false` opens the camera, and health says so.', _DESIRED)
def opens(record: Record) -> Iterator[str]:
    yield from _is(record, "open", muted=False)


@CLAUSES.must("desired", "Summaries come again after the camera was opened.", _SUMMARY)
def summaries_again(record: Record) -> Iterator[str]:
    if not [seen for seen in record.after("open", SUMMARY) if seen.get("muted") is not True]:
        yield "none came"


@CLAUSES.must("desired", "A `muted` that is true is obeyed wherever the message is a JSON object.", _DESIRED)
def malformed_mutes(record: Record) -> Iterator[str]:
    yield from _is(record, "mute-malformed", muted=True)


@CLAUSES.must("desired", "Fields that a device does not know are ignored.", "contract/messages.md")
def unknown_fields(record: Record) -> Iterator[str]:
    yield from _is(record, "open-with-more", muted=False)


@CLAUSES.must("desired", "A malformed message is answered: a reply with command `desired` and an empty id.", _DESIRED)
def malformed_is_answered(record: Record) -> Iterator[str]:
    for step in ("open-malformed", "open-of-v2", "desired-no-json", "mute-malformed"):
        if not _answers(record, step):
            yield f"no reply to {step}"


@CLAUSES.must("desired", "Such a reply says why, and is not ok.", _DESIRED)
def malformed_says_why(record: Record) -> Iterator[str]:
    answers = [seen for step in ("open-malformed", "desired-no-json") for seen in _answers(record, step)]
    if not answers:
        raise NotTested("no such reply came")
    for seen in answers:
        if seen.get("ok") is not False or not seen.get("error"):
            yield f"{seen.label}: ok {seen.get('ok')!r}, error {seen.get('error')!r}"


@CLAUSES.must("desired", "A message that is understood is not answered.", _DESIRED)
def understood_is_silent(record: Record) -> Iterator[str]:
    for step in ("mute", "open"):
        if _answers(record, step):
            yield f"a reply to {step}"


@CLAUSES.must("desired", "Muting begins no new session.", "contract/messages.md, status")
def same_session(record: Record) -> Iterator[str]:
    born = {seen.get("session") for seen in record.births() if seen.at <= record.step("open").ended}
    if len(born) > 1:
        yield f"sessions {sorted(map(str, born))}"


def _while_muted(record: Record, name: str) -> list[Seen]:
    began, ended = record.step("mute").began, record.step("muted").ended
    return [seen for seen in record.fresh(name) if began <= seen.at <= ended]


def _answers(record: Record, step: str) -> list[Seen]:
    return [seen for seen in record.within(step, "reply") if seen.get("command") == "desired" and seen.get("id") == ""]
