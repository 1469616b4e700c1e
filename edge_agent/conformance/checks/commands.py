"""Commands and their answers."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen
from edge_agent.protocol.topics import EXPRESSION, SUMMARY

CLAUSES: Clauses[Record] = Clauses(501)
_COMMAND = "contract/messages.md, command"
_REPLY = "contract/messages.md, reply"
_GAPS = "dashboards.md, Numbers, duplicates, gaps"


def _done(record: Record, step: str) -> Iterator[str]:
    reply = record.reply(step)
    if not reply.payload:
        yield "no reply came"
    elif reply.get("ok") is not True:
        yield f"refused: {reply.get('error')!r}"


def _refused(record: Record, step: str) -> Iterator[str]:
    reply = record.reply(step)
    if not reply.payload:
        yield "no reply came"
    elif reply.get("ok") is not False:
        yield "it was carried out"
    elif not reply.get("error"):
        yield "error does not say why not"


@CLAUSES.must("commands", "A ping is answered.", _COMMAND)
def ping(record: Record) -> Iterator[str]:
    yield from _done(record, "ping")


@CLAUSES.must("commands", "A command gets one reply.", _COMMAND)
def one_reply(record: Record) -> Iterator[str]:
    for step in ("ping", "snapshot", "dance"):
        if len(record.replies(step)) > 1:
            yield f"{len(record.replies(step))} replies to {step}"


@CLAUSES.must("commands", "The reply carries the id and the command that were sent.", _REPLY)
def carries_id(record: Record) -> Iterator[str]:
    for step in ("ping", "snapshot", "dance"):
        reply = record.reply(step)
        if reply.get("command") != record.step(step).sent_fields["command"]:
            yield f"the reply to {step} says command {reply.get('command')!r}"


@CLAUSES.must("commands", "The reply names the session that answers.", _REPLY)
def session_that_answers(record: Record) -> Iterator[str]:
    reply = record.reply("ping")
    if not reply.payload:
        raise NotTested("no reply to ping")
    if reply.get("session") != record.session:
        yield f"session {reply.get('session')!r}, and {record.session!r} was born"


@CLAUSES.must("commands", "The result of a ping is empty.", _REPLY)
def empty_result(record: Record) -> Iterator[str]:
    if record.reply("ping").get("result", {}) != {}:
        yield f"result {record.reply('ping').get('result')}"


@CLAUSES.must("commands", "A reply that is ok has no error.", _REPLY)
def ok_without_error(record: Record) -> Iterator[str]:
    for seen in record.of("reply"):
        if seen.get("ok") is True and seen.get("error"):
            yield f"{seen.label}: ok, and error {seen.get('error')!r}"


@CLAUSES.must("commands", "A refusal has no result.", _REPLY)
def refusal_without_result(record: Record) -> Iterator[str]:
    for seen in record.of("reply"):
        if seen.get("ok") is False and seen.get("result"):
            yield f"{seen.label}: refused, and result {seen.get('result')}"


@CLAUSES.must("commands", "Fields that a device does not know are ignored.", "contract/messages.md")
def unknown_field(record: Record) -> Iterator[str]:
    yield from _done(record, "ping-with-more")


@CLAUSES.must("commands", "A command may lack v.", _COMMAND)
def without_version(record: Record) -> Iterator[str]:
    yield from _done(record, "ping-without-v")


@CLAUSES.must("commands", "A command of another version is refused.", _COMMAND)
def other_version(record: Record) -> Iterator[str]:
    yield from _refused(record, "ping-of-v2")


@CLAUSES.must("commands", "A command that a device does not know is refused.", _REPLY)
def unknown_command(record: Record) -> Iterator[str]:
    yield from _refused(record, "dance")


@CLAUSES.must("commands", "An id of 64 characters is carried.", "contract/schemas/command.json")
def long_id(record: Record) -> Iterator[str]:
    yield from _done(record, "ping-with-long-id")


@CLAUSES.must("commands", "An id is carried whatever letters it is of.", _REPLY)
def any_letters(record: Record) -> Iterator[str]:
    yield from _done(record, "ping-with-other-letters")


@CLAUSES.must("commands", "What is no JSON is refused, with an empty id.", _REPLY)
def no_json(record: Record) -> Iterator[str]:
    yield from _refused_without_id(record, "no-json")


@CLAUSES.must("commands", "A command without id is refused, with an empty id.", _REPLY)
def no_id(record: Record) -> Iterator[str]:
    yield from _refused_without_id(record, "ping-without-id")


@CLAUSES.must(
    "commands", "A command whose id is longer than 64 characters is refused.", "contract/schemas/command.json"
)
def too_long_id(record: Record) -> Iterator[str]:
    yield from _refused_without_id(record, "ping-with-too-long-id")


@CLAUSES.must("commands", "A device that was sent nonsense still answers.", _COMMAND)
def still_answers(record: Record) -> Iterator[str]:
    yield from _done(record, "ping-after-nonsense")


@CLAUSES.must(
    "commands", "A snapshot lists the faces present now, or is refused where no single face may be named.", _REPLY
)
def snapshot(record: Record) -> Iterator[str]:
    reply = record.reply("snapshot")
    if not reply.payload:
        yield "no reply came"
    elif reply.get("ok") is False:
        if not reply.get("error"):
            yield "refused, and error does not say why"
    else:
        for track in reply.get("result")["tracks"]:
            if not isinstance(track["track"], str) or not isinstance(track["expression"], str | None):
                yield f"track {track}"


@CLAUSES.must(
    "commands",
    "Who is refused a snapshot gets no events of single faces either, and the other way round.",
    "dashboards.md, What the values mean",
)
def snapshot_and_events(record: Record) -> Iterator[str]:
    try:
        faces = bool(record.live(EXPRESSION))
    except NotTested:
        faces = False
    if not record.reply("snapshot").payload:
        raise NotTested("no reply to snapshot")
    if faces and record.reply("snapshot").get("ok") is False:
        yield "expression is published, and the snapshot refused"


@CLAUSES.must(
    "commands", "Tracks of a snapshot are those whose last event is not end.", "dashboards.md, What the values mean"
)
def snapshot_tracks(record: Record) -> Iterator[str]:
    step, reply = record.step("snapshot"), record.reply("snapshot")
    if reply.get("ok") is not True:
        raise NotTested("the snapshot was refused")
    last = {seen.get("track"): seen.get("kind") for seen in record.fresh(EXPRESSION) if seen.at < step.began}
    recent = {seen.get("track") for seen in record.fresh(EXPRESSION) if seen.at >= step.began - 1.0}
    named = {track["track"] for track in reply.get("result")["tracks"]}
    for track, kind in last.items():
        if kind == "end" and track in named - recent:
            yield f"track {track!r} is listed, and has ended"
        if kind != "end" and track not in named | recent:
            yield f"track {track!r} is not listed, and has not ended"


def _again(record: Record, step: str, *, resent: bool) -> list[Seen]:
    asked = record.step(step)
    wanted = range(asked.sent_fields["from"], asked.sent_fields["to"] + 1)
    return [
        seen
        for seen in record.within(step, SUMMARY, resent=resent)
        if seen.get("session") == asked.sent_fields["session"] and seen.get("seq") in wanted
    ]


@CLAUSES.must("commands", "A resend is answered with how many events follow.", _REPLY)
def resend(record: Record) -> Iterator[str]:
    yield from _done(record, "resend")
    asked, result = record.step("resend").sent_fields, record.reply("resend").get("result", {})
    wanted = asked["to"] - asked["from"] + 1
    missing = sum(last - first + 1 for first, last in result.get("missing", []))
    if result.get("count", 0) + missing != wanted:
        yield f"count {result.get('count')} and missing {result.get('missing')} are not {wanted} events"


@CLAUSES.must("commands", "The events that a resend promises follow on their own topic.", _GAPS)
def resent_events(record: Record) -> Iterator[str]:
    promised = record.reply("resend").get("result", {}).get("count", 0)
    came = len(_again(record, "resend", resent=False))
    if came != promised:
        yield f"{promised} were promised, {came} came"


@CLAUSES.must("commands", "A device still holds what it has just sent.", _GAPS)
def holds_events(record: Record) -> Iterator[str]:
    if record.reply("resend").get("result", {}).get("missing"):
        yield f"missing {record.reply('resend').get('result')['missing']}"


def _as_before(record: Record, step: str, *, resent: bool) -> Iterator[str]:
    before = {seen.get("event_id"): seen.payload for seen in record.live(SUMMARY) if seen.at < record.step(step).began}
    again = _again(record, step, resent=resent)
    if not again:
        raise NotTested("nothing was sent again")
    for seen in again:
        if before.get(seen.get("event_id"), seen.payload) != seen.payload:
            yield f"{seen.label}: other bytes than before"


@CLAUSES.must("commands", "Events that are sent again have the same bytes.", _GAPS)
def resent_bytes(record: Record) -> Iterator[str]:
    yield from _as_before(record, "resend", resent=False)


def _marked(record: Record, step: str, *, resent: bool) -> Iterator[str]:
    if record.protocol != "5":
        raise NotTested("MQTT 3.1.1 has no properties")
    again = _again(record, step, resent=resent)
    if not again:
        raise NotTested("nothing was sent again")
    for seen in again:
        if not seen.historical:
            yield f"{seen.label}: not marked"


@CLAUSES.must("commands", "Events that are sent again carry `historical`.", _GAPS)
def resent_marked(record: Record) -> Iterator[str]:
    yield from _marked(record, "resend", resent=False)


@CLAUSES.must("commands", "With reply_to, the events come on the asker's own topic.", _COMMAND)
def asker_gets_events(record: Record) -> Iterator[str]:
    yield from _done(record, "resend-to-asker")
    promised = record.reply("resend-to-asker").get("result", {}).get("count", 0)
    came = len(_again(record, "resend-to-asker", resent=True))
    if came != promised:
        yield f"{promised} were promised, {came} came"


@CLAUSES.must("commands", "With reply_to, nobody else gets the events.", _COMMAND)
def nobody_else_gets_events(record: Record) -> Iterator[str]:
    for seen in _again(record, "resend-to-asker", resent=False):
        yield f"{seen.label}: also on its own topic"


@CLAUSES.must("commands", "Events for one asker have the same bytes.", _GAPS)
def asker_bytes(record: Record) -> Iterator[str]:
    yield from _as_before(record, "resend-to-asker", resent=True)


@CLAUSES.must("commands", "Events for one asker carry `historical`.", _GAPS)
def asker_marked(record: Record) -> Iterator[str]:
    yield from _marked(record, "resend-to-asker", resent=True)


@CLAUSES.must("commands", "Nothing comes on an asker's topic that nobody has asked for.", _COMMAND)
def unasked(record: Record) -> Iterator[str]:
    asked = record.step("resend-to-asker")
    for seen in record.seen:
        if seen.resent and not asked.began <= seen.at <= asked.ended + 2.0:
            yield f"{seen.label}: on the asker's topic"


@CLAUSES.must("commands", "What a device does not hold is listed as missing.", _REPLY)
def missing(record: Record) -> Iterator[str]:
    yield from _done(record, "resend-of-nothing")
    asked, result = record.step("resend-of-nothing").sent_fields, record.reply("resend-of-nothing").get("result", {})
    if result.get("count") != 0 or result.get("missing") != [[asked["from"], asked["to"]]]:
        yield f"count {result.get('count')}, missing {result.get('missing')}"


@CLAUSES.must("commands", "Of a session that a device never had, all is missing.", _REPLY)
def unknown_session(record: Record) -> Iterator[str]:
    yield from _done(record, "resend-of-no-session")
    if record.reply("resend-of-no-session").get("result", {}).get("count") != 0:
        yield f"count {record.reply('resend-of-no-session').get('result', {}).get('count')}"


@CLAUSES.must("commands", "A resend needs session, topic, from and to.", "contract/schemas/command.json")
def incomplete_resend(record: Record) -> Iterator[str]:
    yield from _refused(record, "resend-without-to")


@CLAUSES.must("commands", "A resend whose from is above its to is refused.", _COMMAND)
def reversed_resend(record: Record) -> Iterator[str]:
    yield from _refused(record, "resend-reversed")


@CLAUSES.must("commands", "A resend is for expression or summary alone.", _COMMAND)
def resend_of_health(record: Record) -> Iterator[str]:
    yield from _refused(record, "resend-of-health")


@CLAUSES.must(
    "commands", "A reply_to that would be more than two levels of a topic is refused.", "contract/schemas/command.json"
)
def bad_asker(record: Record) -> Iterator[str]:
    yield from _refused(record, "resend-to-wildcard")


def _refused_without_id(record: Record, step: str) -> Iterator[str]:
    answers = [seen for seen in record.within(step, "reply") if seen.get("id") == ""]
    if not answers:
        yield "no reply with an empty id came"
    elif answers[0].get("ok") is not False or not answers[0].get("error"):
        yield f"ok {answers[0].get('ok')!r}, error {answers[0].get('error')!r}"
