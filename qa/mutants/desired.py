"""A `desired` that is not heeded as the contract demands."""

from __future__ import annotations

import time
from typing import Any

from edge_agent.conformance.played_device import Fields, PlayedDevice
from edge_agent.protocol.topics import DESIRED, SUMMARY
from qa.mutants.registry import mutant


@mutant("muting is ignored")
class NeverMutes(PlayedDevice):
    def mute(self, muted: bool) -> None:
        pass


@mutant("health is late after muting")
class LateHealth(PlayedDevice):
    def mute(self, muted: bool) -> None:
        if not hasattr(self, "_waited"):
            self._waited = True
            time.sleep(5.5)
        super().mute(muted)


@mutant("summaries go on while muted")
class SummariesGoOn(PlayedDevice):
    def send(self, name: str, message: Fields, **options: Any) -> None:
        super().send(name, message, **options)
        if name == SUMMARY and message.get("muted"):
            super().send(SUMMARY, self.summary())


@mutant("no summary says muted")
class SilentMute(PlayedDevice):
    def summary(self, *, muted: bool = False) -> Fields:  # noqa: ARG002 - the signature it has
        return super().summary()


@mutant("tracks do not end when muted")
class TracksGoOn(PlayedDevice):
    def turn(self, number: int) -> None:
        super().turn(number % 3 % 2)

    def mute(self, muted: bool) -> None:
        self._track = None
        super().mute(muted)


@mutant("an older request wins")
class OlderWins(PlayedDevice):
    def desired_received(self, payload: bytes) -> None:
        self.newest_request = ""
        super().desired_received(payload)


@mutant("a malformed message opens the camera")
class OpensMalformed(PlayedDevice):
    def desired_received(self, payload: bytes) -> None:
        super().desired_received(payload)
        if b'"muted": false, "model": 7' in payload:
            self.mute(False)


@mutant("a deleted message opens the camera")
class OpensDeleted(PlayedDevice):
    def desired_received(self, payload: bytes) -> None:
        super().desired_received(payload or b'{"v":1,"muted":false}')


@mutant("a malformed request to mute is not obeyed")
class StrictMute(PlayedDevice):
    def desired_received(self, payload: bytes) -> None:
        super().desired_received(payload if b'"model": 7' not in payload else b"{")


@mutant("malformed requests are not answered")
class SilentDesired(PlayedDevice):
    def reply(self, id_: str, command: str, **options: Any) -> None:
        if command != DESIRED:
            super().reply(id_, command, **options)


@mutant("requests that are understood are answered")
class ChattyDesired(PlayedDevice):
    def mute(self, muted: bool) -> None:
        super().mute(muted)
        self.reply("", DESIRED, result={})


@mutant("the mute state is forgotten at a restart")
class ForgetsMute(PlayedDevice):
    def start(self) -> None:
        self.muted = False
        super().start()
