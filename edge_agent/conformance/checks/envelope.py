"""What holds for all messages of a device."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record, Seen, unix_of
from edge_agent.protocol.topics import COMMAND, DESIRED, EXPRESSION, HEALTH, NAMES, REPLY, STATUS, SUMMARY

CLAUSES: Clauses[Record] = Clauses(101)
_MESSAGES = "contract/messages.md"
_DASHBOARDS = "dashboards.md, Topics"
_SENT = (STATUS, EXPRESSION, SUMMARY, HEALTH, REPLY)
_EVENTS = (EXPRESSION, SUMMARY)


@CLAUSES.must("messages", "A device publishes on the topics of the contract alone.", _DASHBOARDS)
def known_topics(record: Record) -> Iterator[str]:
    record.of(*_SENT)
    for seen in record.seen:
        if seen.name not in NAMES:
            yield f"something on {record.topics.of(seen.name)}"


@CLAUSES.must("messages", "Every message is JSON in UTF-8, and an object.", _DASHBOARDS)
def json_objects(record: Record) -> Iterator[str]:
    for seen in record.of(*_SENT):
        try:
            seen.payload.decode()
        except UnicodeDecodeError:
            yield f"{seen.label}: not UTF-8"
        if not isinstance(seen.parsed, dict):
            yield f"{seen.label}: no JSON object"


@CLAUSES.must("messages", "Every message has v, and it is 1.", _MESSAGES)
def version(record: Record) -> Iterator[str]:
    for seen in record.of(*_SENT):
        if seen.get("v") != 1 or isinstance(seen.get("v"), bool):
            yield f"{seen.label}: v is {seen.get('v')!r}"


@CLAUSES.must("messages", "Every message has QoS 1.", _DASHBOARDS)
def quality_of_service(record: Record) -> Iterator[str]:
    if not record.shows_qos:
        raise NotTested("this broker raises the QoS to that of the subscriber")
    for seen in record.of(*_SENT):
        if seen.qos != 1:
            yield f"{seen.label}: QoS {seen.qos}"


@CLAUSES.must("messages", "Every message names the session of the run that sends it.", _MESSAGES)
def sessions(record: Record) -> Iterator[str]:
    for seen in record.of(*_SENT):
        if not isinstance(seen.get("session"), str) or not seen.get("session"):
            yield f"{seen.label}: session is {seen.get('session')!r}"


@CLAUSES.must("messages", "All topics name the same session at a time.", "contract/messages.md; design of sessions")
def one_session(record: Record) -> Iterator[str]:
    for seen in record.live(EXPRESSION, SUMMARY, HEALTH, REPLY):
        born = [birth for birth in record.births() if birth.at <= seen.at]
        known = {birth.get("session") for birth in born}
        if known and seen.get("session") not in known:
            yield f"{seen.label}: session {seen.get('session')!r}, which no birth had named"


@CLAUSES.must("messages", "Times are ISO 8601 in UTC with milliseconds.", "contract/messages.md, the fields `_at`")
def times(record: Record) -> Iterator[str]:
    for seen in record.of(*_SENT):
        for name, value in seen.fields.items():
            if name == "at" or name.endswith("_at"):
                try:
                    unix_of(value)
                except ValueError as error:
                    yield f"{seen.label}: {name}: {error}"


@CLAUSES.must("messages", "clock_synced says whether the device's clock was set.", _MESSAGES)
def dates_of_a_set_clock(record: Record) -> Iterator[str]:
    for seen in record.live(SUMMARY, EXPRESSION, HEALTH):
        if seen.get("clock_synced") is True and unix_of(seen.get("observed_at")) < 1_600_000_000:
            yield f"{seen.label}: clock_synced, and observed_at is {seen.get('observed_at')}"


@CLAUSES.must("messages", "Model ids are the first 12 hex digits of the model file's sha256.", _MESSAGES)
def model_ids(record: Record) -> Iterator[str]:
    for seen in (*record.of(EXPRESSION, SUMMARY), *record.births()):
        model = str(seen.get("model"))
        if len(model) != 12 or set(model) - set("0123456789abcdef"):
            yield f"{seen.label}: model is {model!r}"


@CLAUSES.must("messages", "Events and births name the same model, unless a new one has taken over.", _MESSAGES)
def one_model(record: Record) -> Iterator[str]:
    named = {birth.get("model") for birth in record.births()}
    for seen in record.live(EXPRESSION, SUMMARY):
        if seen.get("model") not in named:
            yield f"{seen.label}: model {seen.get('model')!r}, which no status names"


@CLAUSES.must("messages", "status is retained.", _DASHBOARDS)
def status_retained(record: Record) -> Iterator[str]:
    if not record.kept_at("watched", STATUS):
        yield "the broker keeps no status"


@CLAUSES.must("messages", "health is retained.", _DASHBOARDS)
def health_retained(record: Record) -> Iterator[str]:
    if not record.kept_at("watched", HEALTH):
        yield "the broker keeps no health"


def _not_retained(record: Record, name: str) -> Iterator[str]:
    record.of(name)
    for moment in record.kept:
        if record.kept_at(moment, name):
            yield f"the broker keeps a {name}"
            return


@CLAUSES.must("messages", "expression is not retained.", _DASHBOARDS)
def expression_not_retained(record: Record) -> Iterator[str]:
    yield from _not_retained(record, EXPRESSION)


@CLAUSES.must("messages", "summary is not retained.", _DASHBOARDS)
def summary_not_retained(record: Record) -> Iterator[str]:
    yield from _not_retained(record, SUMMARY)


@CLAUSES.must("messages", "reply is not retained.", _DASHBOARDS)
def reply_not_retained(record: Record) -> Iterator[str]:
    yield from _not_retained(record, REPLY)


@CLAUSES.must("messages", "A device does not publish on command or desired: those are written by others.", _DASHBOARDS)
def not_on_others_topics(record: Record) -> Iterator[str]:
    record.of(*_SENT)
    for seen in record.seen:
        ours = (seen.name, seen.payload) in record.published
        if seen.name in (COMMAND, DESIRED) and not seen.retained and not ours:
            yield f"a message on {seen.name} that nobody else sent, at {seen.at:.1f} s"


@CLAUSES.must("messages", "Messages that are sent at once do not carry `historical`.", "dashboards.md, Late")
def not_marked(record: Record) -> Iterator[str]:
    _needs_marks(record)
    events: list[Seen] = record.fresh(*_EVENTS)
    for seen in events:
        if seen.historical and seen.at > 1.0:
            yield f"{seen.label}: marked as late"


@CLAUSES.must("messages", "The broker drops health after four times health_every_s.", "dashboards.md, Topics")
def health_expires(record: Record) -> Iterator[str]:
    _needs_marks(record)
    every = float(record.births()[0].get("health_every_s"))
    for seen in record.live(HEALTH):
        if seen.expiry_s is None or abs(seen.expiry_s - 4 * every) > max(2.0, 0.1 * every):
            yield f"{seen.label}: expires after {seen.expiry_s} s, health_every_s is {every:g}"


@CLAUSES.must("messages", "Replies are of no use after a minute, and the broker drops them then.", "asyncapi.json")
def replies_expire(record: Record) -> Iterator[str]:
    _needs_marks(record)
    for seen in record.live(REPLY):
        if seen.expiry_s is None or not 50 <= seen.expiry_s <= 60:
            yield f"{seen.label}: expires after {seen.expiry_s} s"


@CLAUSES.must("messages", "No message carries a picture.", _DASHBOARDS)
def no_picture(record: Record) -> Iterator[str]:
    for seen in record.of(*_SENT):
        text = seen.payload.decode("latin-1")
        if any(sign in text for sign in ("data:image", "/9j/4", "iVBORw0KGgo", "\xff\xd8\xff", "\x89PNG")):
            yield f"{seen.label}: looks like a picture"


def _needs_marks(record: Record) -> None:
    if record.protocol != "5":
        raise NotTested("MQTT 3.1.1 has no properties")
