"""A device that is played: it keeps the contract, has no camera, and does nothing else.

Subscriber programs are judged with it. It is made of the contract's documents alone, so the kit is also tried on it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.clock import utc_text
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import (
    COMMAND,
    DESIRED,
    EXPRESSION,
    HEALTH,
    REPLY,
    STATUS,
    SUMMARY,
    Topics,
    resent_topic,
)

_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_MODEL = "0123456789ab"
_ASKER = re.compile(r"[^/+#\x00-\x1f]{1,64}/[^/+#\x00-\x1f]{1,128}")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Fields = dict[str, Any]


@dataclass
class Run:
    """One session: its id, when it began, and the last number by topic."""

    session: str
    began: float
    began_unix: float
    last: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pace:
    """How often the device speaks, in seconds. Quick, so that nobody waits for it."""

    window_s: float = 0.3
    health_every_s: float = 1.0


class PlayedDevice:
    """Starts, speaks, answers and ends. A subclass may break the contract in one place.

    Args:
        broker: Where to connect.
        topics: Its topics.
        pace: How often it speaks.
        by_itself: Whether it speaks without being told to: health, summaries and the expressions of one face.
    """

    will_retained = True

    def __init__(self, broker: Broker, topics: Topics, pace: Pace | None = None, *, by_itself: bool = True) -> None:
        self.broker, self.topics, self.pace, self.by_itself = broker, topics, pace or Pace(), by_itself
        self.runs: list[Run] = []
        self.events: dict[tuple[str, str, int], bytes] = {}
        self.muted, self.newest_request = False, ""
        self.client: paho.Client | None = None
        self._track: Fields | None = None
        self._tracks = 0
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    # --- Beginning and end

    @property
    def run(self) -> Run:
        """The present session."""
        return self.runs[-1]

    def start(self) -> None:
        """Connect, with a last will, and be born."""
        self.runs.append(self.new_run())
        self._track = None
        self._ended = threading.Event()
        v5 = self.broker.protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.topics.client_id,
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
        )
        will = self.will()
        if will is not None:
            client.will_set(self.topics.of(STATUS), json.dumps(will).encode(), qos=1, retain=self.will_retained)
        ready = threading.Event()
        client.on_connect = lambda *_: ready.set()
        client.on_message = lambda _client, _data, message: self._received(message)
        client.connect(self.broker.host, self.broker.port, 10)
        self.client = client
        client.loop_start()
        ready.wait(15)
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        with self._lock:
            self.announce()
        client.subscribe([(self.topics.of(COMMAND), 1), (self.topics.of(DESIRED), 1)])
        subscribed.wait(15)
        if self.by_itself:
            self._thread = threading.Thread(target=self._speak, args=(self._ended,), daemon=True)
            self._thread.start()

    def announce(self) -> None:
        """Birth and health."""
        self.send(STATUS, self.birth(), retain=True)
        self.send(HEALTH, self.health(), retain=True)

    def stop(self) -> None:
        """Say goodbye and disconnect."""
        self._silence()
        if self.client is not None:
            with self._lock:
                self.goodbye()
            self.client.disconnect()
            self.client.loop_stop()
            self.client = None

    def goodbye(self) -> None:
        """The death on purpose."""
        self.send(STATUS, self.death(), retain=True, wait=True)

    def kill(self) -> None:
        """Break off without a word."""
        self._silence()
        if self.client is not None:
            self.client.on_disconnect = None
            sock: Any = self.client.socket()
            self.client._thread_terminate = True
            if sock is not None:
                sock.close()
            self.client.loop_stop()
            self.client = None

    def _silence(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def new_run(self) -> Run:
        """A session whose id sorts after all before it."""
        unix = time.time()
        value = int(unix * 1000) + len(self.runs)
        digits = "".join(_ALPHABET[value >> shift & 31] for shift in range(45, -1, -5))
        return Run(f"{digits}{len(self.runs):06d}", time.monotonic(), unix)

    # --- Messages

    def birth(self) -> Fields:
        """What it says when it is there."""
        return {
            "v": 1,
            "state": "online",
            "session": self.run.session,
            "at": utc_text(time.time()),
            "started_at": utc_text(self.run.began_unix),
            "clock_synced": True,
            "labels": list(_LABELS),
            "model": _MODEL,
            "room": "played",
            "timezone": "Europe/Berlin",
            "version": "0",
            "health_every_s": self.pace.health_every_s,
            "sessions": [
                {
                    "session": run.session,
                    "started_at": utc_text(run.began_unix),
                    "clock_synced": True,
                    "last_seq": dict(run.last),
                    "lost": 0,
                }
                for run in reversed(self.runs)
            ],
        }

    def death(self) -> Fields:
        """What it says when it goes."""
        return {
            "v": 1,
            "state": "offline",
            "session": self.run.session,
            "reason": "stopped",
            "at": utc_text(time.time()),
        }

    def will(self) -> Fields | None:
        """What the broker says when it has gone without a word."""
        return {"v": 1, "state": "offline", "session": self.run.session, "reason": "connection_lost"}

    def health(self) -> Fields:
        """How it is."""
        frames = int((time.monotonic() - self.run.began) * 10)
        return {
            "v": 1,
            "fps": 9.9,
            "latency_ms": {"total": {"p50": 40.0, "p95": 60.0}},
            "camera": {"state": "muted" if self.muted else "ok", "reason": "", "undecodable": 0},
            "frames_read": frames,
            "frames_dropped": frames // 100,
            "temperature_c": None,
            "throttled": None,
            "muted": self.muted,
            "problems": [],
            "outbox": {"storage": "memory", "pending": 0, "kept_bytes": 0, "lost": 0},
            "last_seq": dict(self.run.last),
            **self.moment(),
        }

    def moment(self) -> Fields:
        """The fields that date a message."""
        mono = time.monotonic() - self.run.began
        return {
            "observed_at": utc_text(self.run.began_unix + mono),
            "mono_ms": round(mono * 1000),
            "session": self.run.session,
            "clock_synced": True,
        }

    def event(self, name: str, fields: Fields) -> Fields:
        """An event with the next number, stored."""
        number = self.run.last.get(name, 0) + 1
        self.run.last[name] = number
        message = {
            "v": 1,
            "event_id": f"{self.topics.device}/{self.run.session}/{name}/{number}",
            **fields,
            **self.moment(),
            "seq": number,
            "model": _MODEL,
        }
        self.events[(self.run.session, name, number)] = json.dumps(message).encode()
        return message

    def summary(self, *, muted: bool = False) -> Fields:
        """A window; every fourth one is suppressed."""
        hidden = muted or self.run.last.get(SUMMARY, 0) % 4 == 3
        figures: Fields = {
            "window_s": self.pace.window_s,
            "faces": None if hidden else 6,
            "shares": None if hidden else {"happy": 0.5, "neutral": 0.25, "uncertain": 0.25},
            "suppressed": hidden,
            "with_baseline": None if hidden else 5,
        }
        return self.event(SUMMARY, figures | ({"muted": True} if muted else {}))

    def expression(self, kind: str, label: str, previous: str | None) -> Fields:
        """An event of the one face there is."""
        if kind == "start":
            self._tracks += 1
        scores = dict.fromkeys(_LABELS, 0.05) | {label: 0.7}
        self._track = {"track": f"t{self._tracks}", "expression": label} if kind != "end" else None
        return self.event(
            EXPRESSION,
            {
                "kind": kind,
                "track": f"t{self._tracks}",
                "expression": label,
                "confidence": 0.7,
                "scores": scores,
                "previous": previous,
                "held_s": 0.0 if kind == "start" else 0.3,
            },
        )

    # --- Sending

    def send(self, name: str, message: Fields, *, retain: bool = False, late: bool = False, wait: bool = False) -> None:
        """Publish a message on one of its topics."""
        payload = self.events.get((message.get("session", ""), name, message.get("seq", 0)))
        expiry = {HEALTH: round(4 * self.pace.health_every_s), REPLY: 60}.get(name, 0)
        self.publish(
            self.topics.of(name),
            payload or json.dumps(message).encode(),
            retain=retain,
            late=late,
            expiry_s=expiry,
            wait=wait,
        )

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        late: bool = False,
        expiry_s: int = 0,
        qos: int = 1,
        wait: bool = False,
    ) -> None:
        """Publish bytes."""
        properties = None
        if self.broker.protocol == "5" and (late or expiry_s):
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if late:
                properties.UserProperty = ("historical", "true")
            if expiry_s:
                properties.MessageExpiryInterval = expiry_s
        if self.client is not None:
            sent = self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
            if wait:
                sent.wait_for_publish(10)

    def _speak(self, ended: threading.Event) -> None:
        last_health = time.monotonic()
        turn = 0
        while not ended.wait(self.pace.window_s):
            with self._lock:
                if not self.muted:
                    self.turn(turn)
                    turn += 1
                if time.monotonic() - last_health >= self.pace.health_every_s:
                    last_health = time.monotonic()
                    self.send(HEALTH, self.health(), retain=True)

    def turn(self, number: int) -> None:
        """One window: the face starts, changes, ends, and a summary comes."""
        kind = ("start", "change", "end")[number % 3]
        if self._track is None:
            self.send(EXPRESSION, self.expression("start", "happy", None))
        elif kind == "change":
            previous = self._track["expression"]
            other = "neutral" if previous == "happy" else "happy"
            self.send(EXPRESSION, self.expression("change", other, previous))
        elif kind == "end":
            self.send(EXPRESSION, self.expression("end", self._track["expression"], self._track["expression"]))
        self.send(SUMMARY, self.summary())

    # --- Receiving

    def _received(self, message: paho.MQTTMessage) -> None:
        with self._lock:
            if message.topic == self.topics.of(COMMAND):
                self.command_received(bytes(message.payload))
            else:
                self.desired_received(bytes(message.payload))

    def command_received(self, payload: bytes) -> None:
        """A command came: answer it."""
        found = _parsed(payload)
        id_, name = found.get("id"), found.get("command")
        if not isinstance(id_, str) or not 1 <= len(id_) <= 64:
            self.reply("", "", error="no command with an id")
        elif found.get("v", 1) != 1 or not isinstance(name, str):
            self.reply(id_, name if isinstance(name, str) else "", error="not a command of version 1")
        elif name == "ping":
            self.reply(id_, name, result={})
        elif name == "snapshot":
            self.reply(id_, name, result={"tracks": [self._track] if self._track else []})
        elif name == "resend":
            self.resend(id_, found)
        else:
            self.reply(id_, name, error=f"unknown command {name!r}, expected one of ping, resend, snapshot")

    def reply(self, id_: str, command: str, *, result: Fields | None = None, error: str = "") -> None:
        """Answer a command."""
        message: Fields = {"v": 1, "id": id_, "command": command, "ok": not error, "session": self.run.session}
        self.send(REPLY, message | ({"error": error} if error else {"result": result}))

    def resend(self, id_: str, asked: Fields) -> None:
        """Send stored events again."""
        session, topic, first, last = (asked.get(name) for name in ("session", "topic", "from", "to"))
        asker = asked.get("reply_to")
        whole = isinstance(first, int) and isinstance(last, int) and 1 <= first <= last
        if topic not in (EXPRESSION, SUMMARY) or not isinstance(session, str) or not whole:
            self.reply(id_, "resend", error="expected session, topic, from and to")
            return
        assert isinstance(first, int)
        assert isinstance(last, int)
        if asker is not None and not (isinstance(asker, str) and _ASKER.fullmatch(asker)):
            self.reply(id_, "resend", error="expected reply_to as ACCOUNT/PROGRAM")
            return
        held = sorted(seq for of, name, seq in self.events if (of, name) == (session, topic) and first <= seq <= last)
        self.reply(id_, "resend", result={"count": len(held), "missing": _gaps(held, first, last)})
        for number in held:
            to = self.topics.of(topic)
            if asker:
                to = resent_topic(self.topics.root, asker, self.topics.site, self.topics.device, topic)
            self.publish(to, self.events[(session, topic, number)], late=True)

    def desired_received(self, payload: bytes) -> None:
        """Somebody says what it should be."""
        if not payload:
            return
        pairs = _pairs(payload)
        found = dict(pairs)
        requests = [value for name, value in pairs if name == "muted"]
        malformed = (
            not pairs
            or found.get("v") != 1
            or len(requests) > 1
            or (bool(requests) and not isinstance(requests[0], bool))
            or not isinstance(found.get("model", ""), str)
        )
        if malformed:
            self.reply("", DESIRED, error="not a desired message; ignored, muted = true in it excepted")
        closes = any(value is True for value in requests)
        request = True if closes else requests[0] if requests and not malformed else None
        dated = found.get("issued_at", "")
        if request is None or (dated and dated < self.newest_request):
            return
        self.newest_request = max(self.newest_request, dated)
        if request is not self.muted:
            self.mute(request)

    def mute(self, muted: bool) -> None:
        """Close the camera or open it."""
        if muted:
            if self._track is not None:
                label = self._track["expression"]
                self.send(EXPRESSION, self.expression("end", label, label))
            self.send(SUMMARY, self.summary(muted=True))
        self.muted = muted
        self.send(HEALTH, self.health(), retain=True)


def _parsed(payload: bytes) -> Fields:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pairs(payload: bytes) -> list[tuple[str, Any]]:
    if not _parsed(payload):
        return []
    pairs: list[tuple[str, Any]] = json.loads(payload, object_pairs_hook=list)
    return pairs


def _gaps(held: list[int], first: int, last: int) -> list[list[int]]:
    gaps, expected = [], first
    for number in [*held, last + 1]:
        if number > expected:
            gaps.append([expected, number - 1])
        expected = number + 1
    return gaps
