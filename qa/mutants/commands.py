"""Commands that are answered wrongly."""

from __future__ import annotations

from typing import Any

from edge_agent.conformance.played_device import Fields, PlayedDevice
from qa.mutants.registry import mutant


@mutant("two replies to a command")
class TwoReplies(PlayedDevice):
    def reply(self, id_: str, command: str, **options: Any) -> None:
        super().reply(id_, command, **options)
        super().reply(id_, command, **options)


@mutant("an unknown command is carried out")
class DoesAnything(PlayedDevice):
    def reply(self, id_: str, command: str, *, result: Fields | None = None, error: str = "") -> None:
        unknown = error.startswith("unknown command")
        super().reply(id_, command, result={} if unknown else result, error="" if unknown else error)


@mutant("a command of another version is carried out")
class AnyVersion(PlayedDevice):
    def command_received(self, payload: bytes) -> None:
        super().command_received(payload.replace(b'"v": 2', b'"v": 1'))


@mutant("unknown fields are refused")
class Strict(PlayedDevice):
    def command_received(self, payload: bytes) -> None:
        super().command_received(payload.replace(b'"command"', b'"cmd"') if b"chalk" in payload else payload)


@mutant("silent after nonsense")
class Crashes(PlayedDevice):
    def command_received(self, payload: bytes) -> None:
        self._crashed = getattr(self, "_crashed", False) or payload == b"null"
        if not self._crashed:
            super().command_received(payload)


@mutant("nonsense is not answered")
class IgnoresNonsense(PlayedDevice):
    def reply(self, id_: str, command: str, **options: Any) -> None:
        if id_:
            super().reply(id_, command, **options)


@mutant("events sent again are dated anew")
class NewBytes(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        if options.get("late"):
            payload = payload.replace(b'"clock_synced": true', b'"clock_synced": false')
        super().publish(topic, payload, **options)


@mutant("events sent again without the mark")
class NoMark(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, payload, **options | {"late": False})


@mutant("a resend that sends nothing")
class SendsNothing(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        if not options.get("late"):
            super().publish(topic, payload, **options)


@mutant("reply_to is not heeded")
class NoAsker(PlayedDevice):
    def resend(self, id_: str, asked: Fields) -> None:
        super().resend(id_, {name: value for name, value in asked.items() if name != "reply_to"})


@mutant("events for one asker also go to all")
class AskerAndAll(PlayedDevice):
    def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        super().publish(topic, payload, **options)
        if "/resent/" in topic:
            super().publish(self.topics.of(topic.rsplit("/", 1)[-1]), payload, **options)


@mutant("what it does not hold is not listed")
class NotListed(PlayedDevice):
    def reply(self, id_: str, command: str, *, result: Fields | None = None, error: str = "") -> None:
        if result and "missing" in result:
            result = result | {"missing": []}
        super().reply(id_, command, result=result, error=error)


@mutant("a resend from 5 to 3 is carried out")
class Reversed(PlayedDevice):
    def resend(self, id_: str, asked: Fields) -> None:
        if isinstance(asked.get("from"), int) and isinstance(asked.get("to"), int) and asked["from"] > asked["to"]:
            asked = asked | {"from": asked["to"], "to": asked["from"]}
        super().resend(id_, asked)
