"""The steps of an operator: what is sent to a device, and how long what comes of it is awaited."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from edge_agent.clock import utc_text
from edge_agent.conformance.observer import Observer
from edge_agent.conformance.record import Record, Seen, Step
from edge_agent.errors import CheckFailed
from edge_agent.protocol.topics import COMMAND, DESIRED, HEALTH, REPLY, STATUS, SUMMARY

_HOUR_S = 3600.0


class Starter(Protocol):
    """Starts and ends the device that is judged."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """End it in good order, and wait until it has ended."""

    def kill(self) -> None:
        """End it at once, as a power cut would."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with a device.

    Attributes:
        seconds: How long to watch before anything is sent.
        patience_s: How long to wait for an answer.
        will_s: How long to wait for the last will.
        mute: Whether to close and open the camera.
        asker: As whom to ask for events that nobody else gets.
    """

    seconds: float = 20.0
    patience_s: float = 10.0
    will_s: float = 15.0
    mute: bool = True
    asker: str = "-/conformance"


class Operator:
    """Goes through all steps, and notes each in the record.

    Args:
        observer: The connection.
        record: What to write into.
        plan: What to do.
        starter: Starts and ends the device; ``None`` where that is not ours to do.
        say: Called with what is being done.
    """

    def __init__(
        self, observer: Observer, record: Record, plan: Plan, starter: Starter | None, say: Callable[[str], None]
    ) -> None:
        self._observer, self._record, self._plan, self._starter, self._say = observer, record, plan, starter, say
        self._commands = 0
        self._kept_desired = b""

    def run(self) -> None:
        """Do everything.

        Raises:
            CheckFailed: There is no device.
        """
        if self._starter is not None:
            self._starter.start()
        self._say("waiting for the device")
        if not self._observer.wait(6 * self._plan.patience_s, self._is_online):
            raise CheckFailed(
                f"no device at {self._record.topics.of(STATUS)}",
                received="no status that says online",
                remedy="Start the device, or give --start, and see that --device is SITE/ID",
            )
        self._observer.wait(0.5)
        self._kept_desired = next((seen.payload for seen in self._seen(DESIRED) if seen.retained), b"")
        self._say(f"watching for {self._plan.seconds:.0f} s")
        self._step("watch", lambda: self._observer.wait(self._plan.seconds) and None)
        self._observer.look("watched")
        self._ask()
        self._resend()
        if self._plan.mute:
            self._mute()
        else:
            self._leave_out("muting was left out", *_MUTE_STEPS)
        if self._starter is not None:
            self._end_and_start()
        else:
            self._leave_out("give --start", *_START_STEPS)
        self._restore()
        self._observer.look("end")

    def _restore(self) -> None:
        """Leave the device as it was found."""
        if self._plan.mute:
            was_open = not any(seen.get("muted") for seen in self._seen(HEALTH)[:1])
            self._publish_desired({"muted": not was_open, "issued_at": self._date()})
            self._observer.wait(self._plan.patience_s, lambda: self._is_muted(not was_open))
            self._observer.publish(DESIRED, self._kept_desired, retain=True)

    def _ask(self) -> None:
        self._say("sending commands")
        self._command("ping", {"command": "ping"})
        self._command("snapshot", {"command": "snapshot"})
        self._command("dance", {"command": "dance"})
        self._command("ping-with-more", {"command": "ping", "chalk": {"colour": ["white", 3]}})
        self._command("ping-without-v", {"command": "ping"}, version=None)
        self._command("ping-of-v2", {"command": "ping"}, version=2)
        self._command("ping-with-long-id", {"command": "ping", "id": "x" * 64})
        self._command("ping-with-other-letters", {"command": "ping", "id": 'ß "§" \\ 教室'})
        self._nonsense("no-json", b'{"v":1,')
        self._nonsense("ping-without-id", b'{"v":1,"command":"ping"}')
        self._nonsense("ping-with-too-long-id", json.dumps({"v": 1, "command": "ping", "id": "x" * 65}).encode())
        for payload in (b"", b"[]", b"null", b'"ping"', b"\xff\xfe", b'{"v":1,"id":7,"command":[]}', b"[" * 5000):
            self._observer.publish(COMMAND, payload)
        self._command("ping-after-nonsense", {"command": "ping"})

    def _resend(self) -> None:
        self._say("asking for events again")
        summaries = [seen for seen in self._seen(SUMMARY) if seen.get("session") == self._record.session]
        numbers = sorted(int(seen.get("seq")) for seen in summaries if isinstance(seen.get("seq"), int))
        steps = ("resend", "resend-to-asker", "resend-of-nothing")
        if not numbers:
            self._leave_out("no summary came that could be asked for", *steps)
        else:
            known = {"session": self._record.session, "topic": SUMMARY}
            some = {"from": numbers[-3:][0], "to": numbers[-1]}
            self._command("resend", {"command": "resend", **known, **some}, events=True)
            self._command(
                "resend-to-asker",
                {"command": "resend", **known, **some, "reply_to": self._plan.asker},
                events=True,
            )
            far = numbers[-1] + 1_000_000
            self._command("resend-of-nothing", {"command": "resend", **known, "from": far, "to": far + 3})
        one = {"session": self._record.session, "topic": SUMMARY, "from": 1, "to": 1}
        self._command("resend-of-no-session", {"command": "resend", **one, "session": "0" * 16})
        self._command("resend-without-to", {"command": "resend", **{k: v for k, v in one.items() if k != "to"}})
        self._command("resend-reversed", {"command": "resend", **one, "from": 5, "to": 3})
        self._command("resend-of-health", {"command": "resend", **one, "topic": HEALTH})
        self._command("resend-to-wildcard", {"command": "resend", **one, "reply_to": "-/a/b/#"})

    def _mute(self) -> None:
        self._say("closing and opening the camera")
        closed = self._date()
        self._desired("mute", {"muted": True, "issued_at": closed}, muted=True)
        window = max((float(seen.get("window_s", 1)) for seen in self._seen(SUMMARY)), default=1.0)
        self._step("muted", lambda: self._observer.wait(min(2.5 * window, 15.0)) and None)
        self._desired("open-with-older-date", {"muted": False, "issued_at": self._date(-_HOUR_S)})
        self._desired("desired-without-muted", {})
        self._raw_desired("desired-deleted", b"")
        self._desired("open-malformed", {"muted": False, "model": 7}, answered=True)
        self._desired("open-of-v2", {"v": 2, "muted": False}, answered=True)
        self._raw_desired("desired-no-json", b'{"v":1,"muted":false', answered=True)
        self._raw_desired("open-twice", b'{"v":1,"muted":true,"muted":false}', answered=True)
        self._desired("open", {"muted": False, "issued_at": self._date()}, muted=False)
        self._observer.wait(min(2.5 * window + 3.0, 20.0), lambda: self._opened_summary())
        self._desired("mute-malformed", {"muted": True, "model": 7, "issued_at": self._date()}, muted=True)
        self._desired("open-with-more", {"muted": False, "issued_at": self._date(), "chalk": [3]}, muted=False)

    def _opened_summary(self) -> bool:
        ended = self._record.steps["open"].ended
        return any(seen.at > ended and seen.get("muted") is not True for seen in self._seen(SUMMARY))

    def _end_and_start(self) -> None:
        assert self._starter is not None
        starter = self._starter
        self._say("ending and starting the device")
        self._step("stop", lambda: self._end(starter.stop, self._plan.patience_s))
        self._observer.look("stopped")
        self._step("start", lambda: self._start(starter))
        first = self._record.session
        wanted = {"session": first, "topic": SUMMARY, "from": 1, "to": 3}
        self._command("resend-of-the-run-before", {"command": "resend", **wanted}, events=True)
        self._observer.wait(self._plan.patience_s, lambda: self._summary_of_another(first))
        if self._plan.mute:
            self._desired("mute-before-restart", {"muted": True, "issued_at": self._date()}, muted=True)
            self._observer.publish(DESIRED, b"", retain=True)  # what it remembers is its own
        self._step("kill", lambda: self._end(starter.kill, self._plan.will_s))
        self._observer.look("killed")
        self._step("start-muted", lambda: self._start(starter))
        if not self._plan.mute:
            del self._record.steps["start-muted"]
            self._leave_out("muting was left out", "start-muted")

    def _end(self, how: Callable[[], None], seconds: float) -> None:
        before = len(self._seen(STATUS))
        how()
        self._observer.wait(
            seconds, lambda: any(seen.get("state") == "offline" for seen in self._seen(STATUS)[before:])
        )
        self._observer.wait(0.5)

    def _start(self, starter: Starter) -> None:
        before = len(self._seen(STATUS))
        reports = len(self._seen(HEALTH))
        starter.start()
        self._observer.wait(
            6 * self._plan.patience_s,
            lambda: any(seen.get("state") == "online" for seen in self._seen(STATUS)[before:]),
        )
        self._observer.wait(self._plan.patience_s, lambda: len(self._seen(HEALTH)) > reports + 1)

    def _command(self, step: str, fields: dict[str, Any], *, version: int | None = 1, events: bool = False) -> None:
        self._commands += 1
        head: dict[str, Any] = {} if version is None else {"v": version}
        message = {**head, "id": f"conformance-{self._commands}", **fields}
        payload = json.dumps(message, ensure_ascii=False).encode()
        began = self._observer.now()

        def answered() -> bool:
            return any(seen.at >= began and seen.get("id") == message["id"] for seen in self._seen(REPLY))

        def work() -> None:
            self._observer.publish(COMMAND, payload)
            self._observer.wait(self._plan.patience_s, answered)
            self._observer.wait(1.5 if events else 0.05)

        self._step(step, work, payload)

    def _nonsense(self, step: str, payload: bytes) -> None:
        began = self._observer.now()

        def work() -> None:
            self._observer.publish(COMMAND, payload)
            self._observer.wait(
                self._plan.patience_s,
                lambda: any(seen.at >= began and seen.get("id") == "" for seen in self._seen(REPLY)),
            )

        self._step(step, work)

    def _desired(self, step: str, fields: dict[str, Any], *, muted: bool | None = None, answered: bool = False) -> None:
        self._raw_desired(step, json.dumps({"v": 1, **fields}).encode(), muted=muted, answered=answered)

    def _publish_desired(self, fields: dict[str, Any]) -> None:
        self._observer.publish(DESIRED, json.dumps({"v": 1, **fields}).encode(), retain=True)

    def _raw_desired(self, step: str, payload: bytes, *, muted: bool | None = None, answered: bool = False) -> None:
        began = self._observer.now()

        def work() -> None:
            self._observer.publish(DESIRED, payload, retain=True)
            if muted is not None:
                self._observer.wait(self._plan.patience_s, lambda: self._is_muted(muted, began))
            if answered:
                self._observer.wait(
                    self._plan.patience_s,
                    lambda: any(seen.at >= began and seen.get("command") == DESIRED for seen in self._seen(REPLY)),
                )
            self._observer.wait(0.6)  # for what must not come of it

        self._step(step, work, payload if step != "desired-no-json" else b"")

    def _step(self, name: str, work: Callable[[], object], sent: bytes = b"") -> None:
        began = self._observer.now()
        work()
        self._record.steps[name] = Step(name, began, self._observer.now(), sent)

    def _leave_out(self, why: str, *names: str) -> None:
        self._record.left_out |= dict.fromkeys(names, why)

    def _seen(self, name: str) -> list[Seen]:
        return [seen for seen in self._record.seen if seen.name == name and not seen.resent]

    def _is_online(self) -> bool:
        states = self._seen(STATUS)
        return bool(states) and states[-1].get("state") == "online"

    def _is_muted(self, muted: bool, since: float = 0.0) -> bool:
        reports = [seen for seen in self._seen(HEALTH) if seen.at >= since and not seen.retained]
        return bool(reports) and reports[-1].get("muted", False) is muted

    def _summary_of_another(self, session: str) -> bool:
        return any(seen.get("session") != session for seen in self._seen(SUMMARY))

    def _date(self, offset_s: float = 0.0) -> str:
        return utc_text(time.time() + offset_s)


_MUTE_STEPS = (
    "mute",
    "muted",
    "open-with-older-date",
    "desired-without-muted",
    "desired-deleted",
    "open-malformed",
    "open-of-v2",
    "desired-no-json",
    "open-twice",
    "open",
    "mute-malformed",
    "open-with-more",
)
_START_STEPS = ("stop", "stopped", "start", "resend-of-the-run-before", "kill", "killed", "start-muted")
