"""What was seen and sent while a device was judged. Checks are pure functions of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from edge_agent.protocol.topics import Topics


class NotTested(Exception):
    """Raised by a check that finds nothing to judge; the text says why."""


@dataclass(frozen=True)
class Seen:
    """One message that came from the broker.

    Attributes:
        at: Seconds since the record began.
        name: Last part of its topic.
        payload: As it came.
        retained: Whether the broker had kept it before we subscribed.
        qos: With which it was published, 0 to 2.
        historical: Whether it was marked as late; ``None`` where the protocol has no marks.
        expiry_s: After how many seconds the broker would have dropped it; ``None`` for never or not known.
        resent: Whether it came on the asker's own topic.
    """

    at: float
    name: str
    payload: bytes
    retained: bool = False
    qos: int = 1
    historical: bool | None = None
    expiry_s: int | None = None
    resent: bool = False

    @cached_property
    def parsed(self) -> Any:
        """The payload as JSON; ``None`` where it is none."""
        try:
            return json.loads(self.payload)
        except (ValueError, RecursionError):
            return None

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object; empty where it is none."""
        return self.parsed if isinstance(self.parsed, dict) else {}

    def get(self, name: str, default: Any = None) -> Any:
        """One field."""
        return self.fields.get(name, default)

    @property
    def label(self) -> str:
        """The message in a few words, for verdicts."""
        number = self.get("seq", self.get("id", self.get("state", "")))
        return f"{self.name} {number!s}".strip() + f" at {self.at:.1f} s"


@dataclass(frozen=True)
class Step:
    """One thing the operator did, and until when it waited for what came of it.

    Attributes:
        name: Its name.
        began: Seconds since the record began.
        ended: Likewise.
        sent: What was published, as it went out; empty where nothing was.
    """

    name: str
    began: float
    ended: float
    sent: bytes = b""

    @property
    def sent_fields(self) -> dict[str, Any]:
        """What was published, as JSON."""
        found = json.loads(self.sent) if self.sent else {}
        return found if isinstance(found, dict) else {}


@dataclass
class Record:
    """Everything that was seen and done.

    Attributes:
        topics: The device's topics.
        protocol: MQTT version of the observer's connection.
        seen: Messages in the order in which they came.
        steps: What was done, by name.
        left_out: Why a step was not done, by its name.
        kept: By the name of a moment, what the broker gave to a subscriber who came then.
        published: What the operator published, by the last part of the topic.
        shows_qos: Whether the broker delivers messages with the QoS that they were published with.
    """

    topics: Topics
    protocol: str = "5"
    seen: list[Seen] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    kept: dict[str, list[Seen]] = field(default_factory=dict)
    published: list[tuple[str, bytes]] = field(default_factory=list)
    shows_qos: bool = True

    def of(self, *names: str, resent: bool = False) -> list[Seen]:
        """Messages on these topics.

        Raises:
            NotTested: There is none.
        """
        found = [seen for seen in self.seen if seen.name in names and seen.resent is resent and seen.payload]
        if not found:
            raise NotTested(f"no {' or '.join(names)} came")
        return found

    def live(self, *names: str) -> list[Seen]:
        """Messages on these topics that were published while we listened."""
        found = [seen for seen in self.of(*names) if not seen.retained]
        if not found:
            raise NotTested(f"no {' or '.join(names)} was published while we listened")
        return found

    def fresh(self, *names: str) -> list[Seen]:
        """Events on these topics, each once, without those that were sent again for a step."""
        found: dict[Any, Seen] = {}
        for seen in self.live(*names):
            found.setdefault(seen.get("event_id", seen.payload), seen)
        return list(found.values())

    def step(self, name: str) -> Step:
        """What was done.

        Raises:
            NotTested: It was left out.
        """
        if name not in self.steps:
            raise NotTested(self.left_out.get(name, "the run ended before"))
        return self.steps[name]

    def within(self, step: str, *names: str, resent: bool = False) -> list[Seen]:
        """Messages on these topics while a step was done; may be none."""
        found = self.step(step)
        return [
            seen
            for seen in self.seen
            if seen.name in names and seen.resent is resent and found.began <= seen.at <= found.ended
        ]

    def after(self, step: str, *names: str) -> list[Seen]:
        """Messages on these topics after a step; may be none."""
        ended = self.step(step).ended
        return [seen for seen in self.seen if seen.name in names and seen.at > ended and not seen.resent]

    def replies(self, step: str) -> list[Seen]:
        """Answers to what a step sent: those with its id."""
        wanted = self.step(step).sent_fields.get("id", "")
        return [seen for seen in self.within(step, "reply") if seen.get("id") == wanted]

    def reply(self, step: str) -> Seen:
        """The first answer to what a step sent; an empty message where none came."""
        found = self.replies(step)
        return found[0] if found else Seen(self.step(step).ended, "reply", b"")

    def kept_at(self, moment: str, name: str) -> list[Seen]:
        """What the broker kept on a topic at a moment; may be none.

        Raises:
            NotTested: Nobody looked then.
        """
        if moment not in self.kept:
            raise NotTested(self.left_out.get(moment, "the run ended before"))
        return [seen for seen in self.kept[moment] if seen.name == name and seen.payload]

    def births(self) -> list[Seen]:
        """Messages that say online."""
        return [seen for seen in self.of("status") if seen.get("state") == "online"]

    @property
    def session(self) -> str:
        """The session that the device was in when we came."""
        return str(self.births()[0].get("session")) if self.births() else ""

    def by_session(self, name: str) -> Iterator[tuple[str, list[Seen]]]:
        """Events of a topic by their session."""
        sessions: dict[str, list[Seen]] = {}
        for seen in self.fresh(name):
            sessions.setdefault(str(seen.get("session")), []).append(seen)
        yield from sessions.items()


def unix_of(text: Any) -> float:
    """A time of the contract in seconds since 1970.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(text, str) or not text.endswith("Z") or len(text) != len("2026-11-22T09:00:00.123Z"):
        raise ValueError(f"{text!r} is no time like 2026-11-22T09:00:00.123Z")
    return datetime.fromisoformat(text[:-1] + "+00:00").timestamp()
