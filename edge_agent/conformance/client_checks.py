"""One pure function for each clause about subscriber programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested

Fields = dict[str, Any]


@dataclass
class ClientRecord:
    """What a program printed and sent while a device was played to it.

    Attributes:
        device: The device, as SITE/ID.
        lines: What it printed: seconds since the record began, and the JSON object.
        unreadable: Lines that were no JSON object.
        asked: Commands that it sent: seconds, and the payload.
        foreign: Topics on which it published though they are the device's.
        steps: When each step began and ended.
        events: Ids of events that were played, by what the program is to do with them.
        gaps: Numbers that were left out, by step.
        ended_early: Whether the program ended by itself.
        ended_on_request: Whether it ended when it was asked to.
        kept_commands: How many commands it had the broker keep.
    """

    device: str
    lines: list[tuple[float, Fields]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    asked: list[tuple[float, bytes]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    steps: dict[str, tuple[float, float]] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)
    gaps: dict[str, tuple[str, int]] = field(default_factory=dict)
    ended_early: bool = False
    ended_on_request: bool = False
    kept_commands: int = 0

    def states(self, step: str) -> list[str]:
        """The states that were printed during a step."""
        began, ended = self.during(step)
        return [str(line["state"]) for at, line in self._own() if began <= at <= ended and "state" in line]

    def state(self, step: str) -> str:
        """The state that stood at the end of a step."""
        _, ended = self.during(step)
        known = [str(line["state"]) for at, line in self._own() if at <= ended and "state" in line]
        return known[-1] if known else "nothing"

    def shown(self) -> Counter[str]:
        """How often each event was printed."""
        return Counter(str(line["event"]) for _, line in self._own() if "event" in line)

    def during(self, step: str) -> tuple[float, float]:
        """When a step began and ended."""
        if step not in self.steps:
            raise NotTested("the run ended before")
        return self.steps[step]

    def requests(self, step: str) -> list[Fields]:
        """The resends that were asked for from a step on."""
        began, _ = self.during(step)
        found = [json.loads(payload) for at, payload in self.asked if at >= began]
        return [asked for asked in found if asked.get("command") == "resend"]

    def _own(self) -> list[tuple[float, Fields]]:
        return [(at, line) for at, line in self.lines if line.get("device") == self.device]


CLIENT_CLAUSES: Clauses[ClientRecord] = Clauses(901)
_ALIVE = "dashboards.md, Alive, stale, offline"
_GAPS = "dashboards.md, Numbers, duplicates, gaps"
_TOPICS = "dashboards.md, Topics"
must = CLIENT_CLAUSES.must


@must("output", "Every line that the program prints is a JSON object.", "conformance.md")
def lines(record: ClientRecord) -> Iterator[str]:
    if not record.lines and not record.unreadable:
        yield "it printed nothing"
    yield from record.unreadable


def _is(record: ClientRecord, step: str, state: str) -> Iterator[str]:
    if record.state(step) != state:
        yield f"the device is called {record.state(step)}"


@must("liveness", "A device whose retained status says online is shown as online.", _ALIVE)
def online(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "join", "online")


def _shown(record: ClientRecord, kind: str) -> Iterator[str]:
    if not record.events.get(kind):
        raise NotTested("the run ended before")
    shown = record.shown()
    for event in record.events[kind]:
        if not shown[event]:
            yield f"{event} was not shown"


@must("events", "Every event is shown.", _GAPS)
def every_event(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "plain")


@must("events", "The same event twice is the same event: it is shown once.", _GAPS)
def once(record: ClientRecord) -> Iterator[str]:
    for event, times in record.shown().items():
        if times > 1:
            yield f"{event} was shown {times} times"


@must("events", "Events in a session that begins are shown, though seq begins at 1 again.", _GAPS)
def next_session(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "next session")


@must("events", "Fields that a program does not know are ignored.", _TOPICS)
def unknown_field(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "more fields")


@must("events", "A program keeps no list of expressions: it shows one that it does not know.", _TOPICS)
def unknown_expression(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "unknown expression")


@must("events", "Messages with another v are not for it: it does not show them.", _TOPICS)
def other_version(record: ClientRecord) -> Iterator[str]:
    for event in record.events.get("other version", []):
        if record.shown()[event]:
            yield f"{event} was shown"


@must("events", "What is no message does no harm: later events are shown.", _TOPICS)
def garbage(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "after garbage")


@must("events", "suppressed is not zero: such a summary has no figure.", "dashboards.md, What the values mean")
def suppressed(record: ClientRecord) -> Iterator[str]:
    told = [
        line for _, line in record.lines if line.get("event") in record.events.get("suppressed", []) and "faces" in line
    ]
    if not told:
        raise NotTested("the program prints no faces")
    for line in told:
        if line["faces"] is not None:
            yield f"{line['event']}: faces {line['faces']}"


def _asks(record: ClientRecord, step: str) -> Iterator[str]:
    topic, number = record.gaps[step]
    for asked in record.requests(step):
        if asked.get("topic") == topic and asked.get("from", 0) <= number <= asked.get("to", 0):
            return
    yield f"{topic} {number} was not asked for"


@must("gaps", "A number that is missing while a higher one has come is asked for.", _GAPS)
def asks_for_gap(record: ClientRecord) -> Iterator[str]:
    record.during("gap")
    yield from _asks(record, "gap")


@must("gaps", "What last_seq of health says and has not come is asked for.", _GAPS)
def asks_for_end(record: ClientRecord) -> Iterator[str]:
    record.during("gap at the end")
    yield from _asks(record, "gap at the end")


@must("gaps", "Events that were asked for are shown.", _GAPS)
def shows_what_it_asked_for(record: ClientRecord) -> Iterator[str]:
    yield from _shown(record, "asked for")


@must("gaps", "What came is not asked for again.", _GAPS)
def not_too_much(record: ClientRecord) -> Iterator[str]:
    topic, number = record.gaps["gap"]
    began, ended = record.during("gap")
    for at, payload in record.asked:
        asked = json.loads(payload)
        if (
            began <= at <= ended
            and asked.get("topic") == topic
            and (asked.get("from"), asked.get("to")) != (number,) * 2
        ):
            yield f"from {asked.get('from')} to {asked.get('to')} was asked for, and {number} is missing"


@must("gaps", "What the device no longer holds is not asked for again and again.", _GAPS)
def gives_up(record: ClientRecord) -> Iterator[str]:
    topic, number = record.gaps["lost"]
    times = sum(
        asked.get("topic") == topic and asked.get("from", 0) <= number <= asked.get("to", 0)
        for asked in record.requests("lost")
    )
    if times > 2:
        yield f"{topic} {number} was asked for {times} times"


@must("gaps", "A command has v, an id of 1 to 64 characters, and what a resend needs.", "contract/schemas/command.json")
def commands(record: ClientRecord) -> Iterator[str]:
    if not record.asked:
        raise NotTested("it sent no command")
    for _, payload in record.asked:
        asked = json.loads(payload)
        if asked.get("v", 1) != 1 or not 1 <= len(asked.get("id", "")) <= 64:
            yield f"v {asked.get('v')}, id {asked.get('id')!r}"
        if asked["command"] == "resend" and not 1 <= asked["from"] <= asked["to"]:
            yield f"from {asked['from']} to {asked['to']}"


@must("gaps", "Each command has an id of its own.", "contract/messages.md, command")
def ids(record: ClientRecord) -> Iterator[str]:
    if not record.asked:
        raise NotTested("it sent no command")
    for id_, times in Counter(json.loads(payload)["id"] for _, payload in record.asked).items():
        if times > 1:
            yield f"{id_!r} was used {times} times"


@must("gaps", "Commands are not retained.", _TOPICS)
def not_kept(record: ClientRecord) -> Iterator[str]:
    record.during("end")
    if record.kept_commands:
        yield "the broker keeps a command"


@must("liveness", "A status of an older session says nothing about the present.", _ALIVE)
def late_death(record: ClientRecord) -> Iterator[str]:
    if "offline" in record.states("late death"):
        yield "the device was called offline"


@must("liveness", "A device whose last will has come is shown as offline.", _ALIVE)
def broken(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "kill", "offline")


@must("liveness", "A device that is born again is shown as online.", _ALIVE)
def born_again(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "start again", "online")


@must("liveness", "Nothing for three times health_every_s means stale.", _ALIVE)
def stale(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "silence", "stale")


@must("liveness", "A device that speaks again is no longer stale.", _ALIVE)
def speaks_again(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "speaks again", "online")


@must("liveness", "A device that is stopped is shown as offline.", _ALIVE)
def stopped(record: ClientRecord) -> Iterator[str]:
    yield from _is(record, "stop", "offline")


@must("topics", "A program publishes nothing on topics that are the device's.", _TOPICS)
def foreign(record: ClientRecord) -> Iterator[str]:
    for topic in record.foreign:
        yield f"a message on {topic}"


@must("program", "The program does not end by itself.", "conformance.md")
def stays(record: ClientRecord) -> Iterator[str]:
    if record.ended_early:
        yield "it ended"


@must("program", "The program ends when it is asked to (SIGTERM).", "conformance.md")
def ends(record: ClientRecord) -> Iterator[str]:
    if record.ended_early:
        raise NotTested("it had ended before")
    if not record.ended_on_request:
        yield "it had to be killed"
