"""Births, deaths and sessions that break the contract."""

from __future__ import annotations

import time

from edge_agent.conformance.played_device import Fields, PlayedDevice, Run
from edge_agent.protocol.topics import HEALTH, STATUS
from qa.mutants.registry import mutant


@mutant("no birth")
class NoBirth(PlayedDevice):
    def announce(self) -> None:
        self.send(HEALTH, self.health(), retain=True)


@mutant("a birth that is not retained")
class BirthNotRetained(PlayedDevice):
    def announce(self) -> None:
        self.send(STATUS, self.birth())
        self.send(HEALTH, self.health(), retain=True)


@mutant("a birth after the first health")
class LateBirth(PlayedDevice):
    def announce(self) -> None:
        self.send(HEALTH, self.health(), retain=True)
        self.send(STATUS, self.birth(), retain=True)


@mutant("no death on purpose")
class NoDeath(PlayedDevice):
    def goodbye(self) -> None:
        pass


@mutant("a death that is not retained")
class DeathNotRetained(PlayedDevice):
    def goodbye(self) -> None:
        self.send(STATUS, self.death(), wait=True)


@mutant("health after the death")
class HealthAfterDeath(PlayedDevice):
    def goodbye(self) -> None:
        super().goodbye()
        time.sleep(0.1)
        self.send(HEALTH, self.health(), retain=True, wait=True)


@mutant("no last will")
class NoWill(PlayedDevice):
    def will(self) -> Fields | None:
        return None


@mutant("a last will that is not retained")
class WillNotRetained(PlayedDevice):
    will_retained = False


@mutant("a last will with a date")
class DatedWill(PlayedDevice):
    def will(self) -> Fields | None:
        return {**self.death(), "reason": "connection_lost"}


@mutant("a last will that says stopped")
class StoppedWill(PlayedDevice):
    def will(self) -> Fields | None:
        return {"v": 1, "state": "offline", "session": self.run.session, "reason": "stopped"}


@mutant("a last will of the first session for ever")
class OldWill(PlayedDevice):
    def will(self) -> Fields | None:
        return {"v": 1, "state": "offline", "session": self.runs[0].session, "reason": "connection_lost"}


@mutant("one session for ever")
class OneSession(PlayedDevice):
    def new_run(self) -> Run:
        run = super().new_run()
        return Run(self.runs[0].session, run.began, run.began_unix) if self.runs else run


@mutant("a later session that sorts before")
class SmallerSession(PlayedDevice):
    def new_run(self) -> Run:
        run = super().new_run()
        run.session = f"{9 - len(self.runs)}{run.session[1:]}"
        return run


@mutant("numbers that go on in the next session")
class NumbersGoOn(PlayedDevice):
    def new_run(self) -> Run:
        run = super().new_run()
        run.last = dict(self.runs[-1].last) if self.runs else {}
        return run


@mutant("events of earlier runs forgotten")
class Forgets(PlayedDevice):
    def new_run(self) -> Run:
        self.runs.clear()
        self.events.clear()
        return super().new_run()
