"""Numbers, order, retention and QoS that break the contract."""

from __future__ import annotations

import json
from typing import Any

from edge_agent.conformance.played_device import Fields, PlayedDevice, Run
from edge_agent.protocol.topics import DESIRED, EXPRESSION, HEALTH, REPLY, SUMMARY
from qa.mutants.registry import mutant


@mutant("a number left out")
class Gap(PlayedDevice):
    def event(self, name: str, fields: Fields) -> Fields:
        if name == SUMMARY and self.run.last.get(SUMMARY) == 4:
            self.run.last[SUMMARY] = 5
        return super().event(name, fields)


@mutant("an event lost on the way")
class Lost(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        if name != EXPRESSION or message["seq"] != 4:
            super().send(name, message, **options)


@mutant("two summaries in the wrong order")
class Swapped(PlayedDevice):
    def turn(self, number: int) -> None:
        if number == 5:
            first, second = self.summary(), self.summary()
            self.send(SUMMARY, second)
            self.send(SUMMARY, first)
        else:
            super().turn(number)


@mutant("a number used twice")
class SameNumber(PlayedDevice):
    def event(self, name: str, fields: Fields) -> Fields:
        if name == SUMMARY and self.run.last.get(SUMMARY) == 4 and len(self.runs) == 1 and not hasattr(self, "_did"):
            self._did = True
            self.run.last[SUMMARY] = 3
            message = super().event(name, fields)
            message["event_id"] += "b"
            self.events[(self.run.session, name, 4)] = json.dumps(message).encode()
            return message
        return super().event(name, fields)


@mutant("numbers from 0")
class FromZero(PlayedDevice):
    def new_run(self) -> Run:
        run = super().new_run()
        run.last = {SUMMARY: -1}
        return run


@mutant("a summary now and then only")
class FewSummaries(PlayedDevice):
    def turn(self, number: int) -> None:
        if number % 12 == 0:
            super().turn(number)


@mutant("retained summaries")
class RetainedSummary(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        super().send(name, message, **options | ({"retain": True} if name == SUMMARY else {}))


@mutant("retained replies")
class RetainedReply(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        super().send(name, message, **options | ({"retain": True} if name == REPLY else {}))


@mutant("health that is not retained")
class HealthNotRetained(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        super().send(name, message, **options | ({"retain": False} if name == HEALTH else {}))


@mutant("health that never comes again")
class NoHealth(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        if name != HEALTH or message["mono_ms"] < 500 or message["muted"] is not getattr(self, "_said", False):
            self._said = bool(message.get("muted", False))
            super().send(name, message, **options)


@mutant("QoS 0")
class QosZero(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, payload, **options | {"qos": 0})


@mutant("QoS 2 for replies")
class QosTwo(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, payload, **options | ({"qos": 2} if topic.endswith(REPLY) else {}))


@mutant("every event marked as late")
class AllLate(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        super().send(name, message, **options | ({"late": True} if name == SUMMARY else {}))


@mutant("health that never expires")
class NoExpiry(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, payload, **options | {"expiry_s": 0})


@mutant("a topic of its own")
class OwnTopic(PlayedDevice):
    def announce(self) -> None:
        super().announce()
        self.publish(self.topics.of("mood"), b"{}")


@mutant("no JSON")
class NoJson(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, b"{'v': 1}" if topic.endswith(EXPRESSION) else payload, **options)


@mutant("writes desired itself")
class WritesDesired(PlayedDevice):
    def announce(self) -> None:
        super().announce()
        self.publish(self.topics.of(DESIRED), b'{"v":1}')
