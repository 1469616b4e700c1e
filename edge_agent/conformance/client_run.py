"""Judges a subscriber program: plays a device to it, and reads what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

from edge_agent.conformance.clauses import Verdict, judge
from edge_agent.conformance.client_checks import CLIENT_CLAUSES, ClientRecord
from edge_agent.conformance.observer import open_client, subscribe
from edge_agent.conformance.played_device import Fields, Pace, PlayedDevice
from edge_agent.conformance.program import Program
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import COMMAND, DESIRED, EXPRESSION, HEALTH, STATUS, SUMMARY, Topics

_PATIENCE_S = 20.0
_END_S = 10.0
_PACE = Pace(health_every_s=2.0)


class _Noting(PlayedDevice):
    """Notes what it publishes, so that what others publish is known."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        self.published.append((topic, payload))
        super().publish(topic, payload, **options)


def judge_client(broker: Broker, root: str, command: str, say: Callable[[str], None]) -> list[Verdict]:
    """Play a device to a program, and judge it by every clause.

    Args:
        broker: Where both meet.
        root: First part of the topics.
        command: Starts the program. It finds the broker in the variables ``MQTT_HOST``, ``MQTT_PORT``,
            ``MQTT_PROTOCOL`` and ``CLASSROOM_ROOT``.
        say: Called with what is being done.

    Raises:
        BrokerError: The broker cannot be reached.
        InputError: The program cannot be started.
    """
    env = {
        "MQTT_HOST": broker.host,
        "MQTT_PORT": str(broker.port),
        "MQTT_PROTOCOL": broker.protocol,
        "CLASSROOM_ROOT": root,
    }
    topics = Topics(root, "conformance", f"played-{os.urandom(3).hex()}")
    run = _ClientRun(broker, topics, Program(command, env), say)
    try:
        run.play()
    finally:
        run.close()
    return judge(CLIENT_CLAUSES.all, run.record)


class _ClientRun:
    def __init__(self, broker: Broker, topics: Topics, program: Program, say: Callable[[str], None]) -> None:
        self.record = ClientRecord(f"{topics.site}/{topics.device}")
        self._broker, self._topics, self._program, self._say = broker, topics, program, say
        self._device = _Noting(broker, topics, _PACE, by_itself=False)
        self._began = time.monotonic()
        self._heard: list[tuple[str, bytes]] = []
        self._reader: threading.Thread | None = None
        name = f"conformance-{os.urandom(3).hex()}"
        self._listener = open_client(broker, name, self._received)
        subscribe(self._listener, [topics.of("#")], 1)

    def play(self) -> None:
        """Everything, step by step."""
        device = self._device
        self._say("playing a device to the program")
        device.start()
        self._program.start(stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._step("join", lambda: self._until(lambda: self.record.state("join") == "online", 2 * _PATIENCE_S))
        if self._program.process is not None and self._program.process.poll() is not None:
            self.record.ended_early = True
            return
        self._step("events", self._events)
        self._step("gap", self._gap)
        self._step("gap at the end", self._gap_at_the_end)
        self._step("lost", self._lost)
        self._step("late death", self._late_death)
        self._say("playing a device that breaks off, comes back and falls silent")
        self._step("kill", lambda: self._after(device.kill, "kill", "offline"))
        self._step("start again", lambda: self._after(device.start, "start again", "online"))
        self._step("next session", lambda: self._play("next session", [self._summary(), self._expression()]))
        silent_s = 3 * _PACE.health_every_s
        self._step(
            "silence",
            lambda: self._until(lambda: self.record.state("silence") == "stale", silent_s + _PATIENCE_S, silent_s),
        )
        self._step("speaks again", lambda: self._after(self._health, "speaks again", "online"))
        self._step("stop", lambda: self._after(device.stop, "stop", "offline"))
        self._step("end", lambda: None)
        self.record.kept_commands = self._kept_commands()
        self.record.ended_early = self._program.process is None or self._program.process.poll() is not None

    def close(self) -> None:
        """End everything, and note how the program ended."""
        process = self._program.process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_S)
                self.record.ended_on_request = True
            except subprocess.TimeoutExpired:
                self._program.kill()
        if self._reader is not None:
            self._reader.join(_END_S)
        if process is not None and process.stdout is not None:
            process.stdout.close()
        self._device.kill()
        for name in (STATUS, HEALTH):  # nothing of what was played is to stay
            self._listener.publish(self._topics.of(name), b"", qos=1, retain=True).wait_for_publish(5)
        self._listener.disconnect()
        self._listener.loop_stop()
        ours = set(self._device.published)
        self.record.foreign = sorted(
            {
                topic
                for topic, payload in self._heard
                if topic.rsplit("/", 1)[-1] not in (COMMAND, DESIRED)
                and (topic, payload) not in ours
                and payload
                and b'"connection_lost"' not in payload
            }
        )

    def _events(self) -> None:
        device = self._device
        first = [self._expression(), self._summary(), self._summary(), self._summary(), self._summary()]
        self.record.events["suppressed"] = [message["event_id"] for message in first if message.get("suppressed")]
        self._play("plain", first)
        self._again(first[1])
        more = self._summary()
        more["mood_of_the_board"] = {"chalk": [3]}
        self._play("more fields", [self._kept(SUMMARY, more)])
        bored = device.expression("change", "happy", "happy")
        bored |= {"expression": "bored", "previous": "happy"}
        self._play("unknown expression", [self._kept(EXPRESSION, bored)])
        other = {**self._summary(), "v": 2, "event_id": f"{self._topics.device}/other/summary/999", "seq": 999}
        self.record.events["other version"] = [other["event_id"]]
        device.publish(self._topics.of(SUMMARY), json.dumps(other).encode())
        self._play_last_summary()
        for payload in (b"{", b"\xff\xfe", b"null", b"[]", b'{"v":1}', b"[" * 5000, b""):
            device.publish(self._topics.of(SUMMARY), payload)
            device.publish(self._topics.of(HEALTH), payload)
        device.publish(self._topics.of("mood"), b"{}")
        self._play("after garbage", [self._summary()])

    def _play_last_summary(self) -> None:
        """The summary whose number a message of another version had taken: there is to be no gap."""
        number = self._device.run.last[SUMMARY]
        payload = self._device.events[(self._device.run.session, SUMMARY, number)]
        self._device.publish(self._topics.of(SUMMARY), payload)

    def _gap(self) -> None:
        left_out = self._summary()
        self.record.gaps["gap"] = (SUMMARY, left_out["seq"])
        self.record.events["asked for"] = [left_out["event_id"]]
        self._device.send(SUMMARY, self._summary())
        self._until(lambda: self.record.shown()[left_out["event_id"]] > 0, _PATIENCE_S)

    def _gap_at_the_end(self) -> None:
        left_out = self._summary()
        self.record.gaps["gap at the end"] = (SUMMARY, left_out["seq"])
        self.record.events["asked for"].append(left_out["event_id"])
        self._health()
        self._until(lambda: self.record.shown()[left_out["event_id"]] > 0, _PATIENCE_S)

    def _lost(self) -> None:
        left_out = self._summary()
        self.record.gaps["lost"] = (SUMMARY, left_out["seq"])
        del self._device.events[(left_out["session"], SUMMARY, left_out["seq"])]
        self._device.send(SUMMARY, self._summary())
        self._until(lambda: False, 8.0)

    def _late_death(self) -> None:
        late = {"v": 1, "state": "offline", "session": "0000000000000000", "reason": "connection_lost"}
        self._device.send(STATUS, late, retain=True)
        self._until(lambda: False, 2.0)
        self._device.send(STATUS, self._device.birth(), retain=True)
        self._health()

    def _summary(self) -> Fields:
        return self._device.summary()

    def _expression(self) -> Fields:
        return self._device.expression("start", "happy", None)

    def _kept(self, name: str, message: Fields) -> Fields:
        """The same message, which is also what the device would send again."""
        key = self._device.run.session, name, int(message["seq"])
        self._device.events[key] = json.dumps(message).encode()
        return message

    def _again(self, message: Fields) -> None:
        payload = self._device.events[(message["session"], SUMMARY, message["seq"])]
        self._device.publish(self._topics.of(SUMMARY), payload, late=True)

    def _health(self) -> None:
        self._device.send(HEALTH, self._device.health(), retain=True)

    def _play(self, kind: str, messages: list[Fields]) -> None:
        """Send events and wait until they are shown."""
        self.record.events[kind] = [message["event_id"] for message in messages]
        for message in messages:
            self._device.send(message["event_id"].split("/")[2], message)
        self._until(lambda: all(self.record.shown()[event] for event in self.record.events[kind]), _PATIENCE_S)

    def _after(self, act: Callable[[], None], step: str, state: str) -> None:
        act()
        self._until(lambda: self.record.state(step) == state, _PATIENCE_S)

    def _step(self, name: str, work: Callable[[], object]) -> None:
        self.record.steps[name] = (self._now(), float("inf"))
        work()
        self.record.steps[name] = (self.record.steps[name][0], self._now())

    def _until(self, condition: Callable[[], bool], seconds: float, speaks_for_s: float | None = None) -> None:
        """Wait; the device goes on with its health meanwhile, unless it is to be silent."""
        deadline, next_health = time.monotonic() + seconds, time.monotonic() + _PACE.health_every_s
        while time.monotonic() < deadline and not condition():
            time.sleep(0.05)
            alive = speaks_for_s is None and self._device.client is not None
            if alive and time.monotonic() >= next_health and not self._holds_back():
                next_health += _PACE.health_every_s
                self._health()

    def _holds_back(self) -> bool:
        """Whether health would tell what a step has left out on purpose."""
        return self.record.steps.get("gap", (0.0, 0.0))[1] == float("inf")

    def _kept_commands(self) -> int:
        kept: list[paho.MQTTMessage] = []
        client = open_client(self._broker, f"conformance-{os.urandom(3).hex()}", kept.append)
        subscribe(client, [self._topics.of(COMMAND)], 1)
        time.sleep(0.5)
        client.disconnect()
        client.loop_stop()
        return len(kept)

    def _received(self, message: paho.MQTTMessage) -> None:
        if message.topic == self._topics.of(COMMAND):
            self.record.asked.append((self._now(), bytes(message.payload)))
        self._heard.append((message.topic, bytes(message.payload)))

    def _read(self) -> None:
        process = self._program.process
        assert process is not None
        assert process.stdout is not None
        for text in process.stdout:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                line = None
            if isinstance(line, dict):
                self.record.lines.append((self._now(), line))
            else:
                self.record.unreadable.append(text.strip()[:100])

    def _now(self) -> float:
        return time.monotonic() - self._began
