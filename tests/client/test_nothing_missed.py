"""Whatever happens to device, broker and dashboard in whatever order: afterwards the dashboard has every event."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from edge_agent.client.events import Lost
from edge_agent.client.liveness import DeviceState
from edge_agent.protocol.topics import SEQUENCED
from tests.client.messages import death
from tests.client.simulated import Event, SimulatedBroker, SimulatedDashboard, SimulatedDevice

STORIES = int(os.environ.get("STORIES", "2000"))


class School:
    """One device, one broker, one dashboard. ``durable``: the broker keeps what comes while the dashboard is away."""

    def __init__(self, *, durable: bool, clock_set: bool, catch_up: bool) -> None:
        self.durable = durable
        self.now = 0.0
        self.broker, self.device, self.dashboard = (
            SimulatedBroker(),
            SimulatedDevice(clock_set=clock_set),
            SimulatedDashboard(catch_up=catch_up),
        )

    def accept(self, topic: str, count: int) -> None:
        if self.device.session:
            self.device.accept(topic, count)

    def device_starts(self) -> None:
        if not self.device.session:
            self.device.start(self.now)

    def device_connects(self) -> None:
        if self.device.session and self.broker.up and not self.device.connected:
            self.broker.will = death(self.device.session)
            self.device.connect()

    def device_sends(self, most: int) -> None:
        if self.device.connected:
            self.device.send(self.broker, most)

    def device_reports(self) -> None:
        if self.device.connected:
            self.device.report()

    def device_line_breaks(self, unacknowledged: bool) -> None:
        if self.device.connected:
            if unacknowledged:
                self.device.send_unacknowledged(self.broker)
            self.device.hang_up()

    def device_dies(self, unnoted: int) -> None:
        if self.device.session:
            self.device.kill(unnoted)

    def will_is_due(self) -> None:
        if not self.device.connected and self.broker.up:
            self.broker.say_will()

    def dashboard_connects(self) -> None:
        if self.broker.up and not self.dashboard.connected:
            self.dashboard.connect(self.broker, len(self.device.accepted), self.now)

    def dashboard_receives(self, most: int) -> None:
        if self.dashboard.connected:
            for request in self.dashboard.receive(self.broker, most, self.now):
                if self.device.connected:
                    self.device.hear(request.command)

    def dashboard_line_breaks(self) -> None:
        if self.dashboard.connected:
            self.dashboard.lose_connection()
            if not self.durable:
                self.broker.forget_dashboard()

    def broker_saves(self) -> None:
        self.broker.save()

    def broker_dies(self) -> None:
        """What it had not written to disk is gone."""
        if self.broker.up:
            self._broker_goes()

    def broker_ends(self, last_words: int, persistent: bool) -> None:
        """It reports connected devices as dead; the dashboard may hear that."""
        if not self.broker.up:
            return
        self.broker.say_will()
        self.dashboard_receives(last_words)
        if persistent:
            self.broker.save()
        self._broker_goes()

    def broker_starts(self) -> None:
        self.broker.up = True

    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.dashboard_receives(0)

    def calm_down(self) -> None:
        """From now on nothing goes wrong any more, for as long as something is missing, or twenty minutes."""
        for _ in range(60):
            self.broker_starts()
            self.device_starts()
            self.device_connects()
            self.dashboard_connects()
            self.device_reports()
            for _ in range(3):
                self.device_sends(1000)
                self.dashboard_receives(1000)
            self.time_passes(20.0)
            if not self.missing:
                break

    @property
    def missing(self) -> set[Event]:
        """What the device has accepted and the dashboard wants and has not got."""
        return set(self.device.accepted[self.dashboard.wants_from :]) - set(self.dashboard.arrived)

    def _broker_goes(self) -> None:
        self.broker.up = False
        self.device.hang_up()
        if self.dashboard.connected:
            self.dashboard.lose_connection()
        self.broker.load()
        if not self.durable:
            self.broker.forget_dashboard()


Step = tuple[str, tuple[Any, ...]]
"""What happens: a method of the school and its arguments."""

_HAPPENS: dict[str, tuple[int, Callable[[random.Random], tuple[Any, ...]]]] = {
    "accept": (6, lambda draw: (draw.choice(SEQUENCED), draw.randint(1, 4))),
    "device_starts": (3, lambda _: ()),
    "device_connects": (5, lambda _: ()),
    "device_sends": (8, lambda draw: (draw.choice([1, 2, 3, 5, 12]),)),
    "device_reports": (3, lambda _: ()),
    "device_line_breaks": (2, lambda draw: (draw.random() < 0.5,)),
    "device_dies": (2, lambda draw: (draw.randint(0, 3),)),
    "will_is_due": (3, lambda _: ()),
    "dashboard_connects": (6, lambda _: ()),
    "dashboard_receives": (6, lambda draw: (draw.choice([1, 2, 3, 12]),)),
    "dashboard_line_breaks": (2, lambda _: ()),
    "broker_saves": (1, lambda _: ()),
    "broker_dies": (2, lambda _: ()),
    "broker_ends": (2, lambda draw: (draw.randint(0, 8), draw.random() < 0.5)),
    "broker_starts": (5, lambda _: ()),
    "time_passes": (3, lambda draw: (draw.choice([0.1, 1.0, 2.5, 40.0, 300.0]),)),
}
"""How often, against each other, and with which arguments."""


def a_story(draw: random.Random) -> list[Step]:
    names = draw.choices(list(_HAPPENS), [often for often, _ in _HAPPENS.values()], k=draw.randint(5, 60))
    return [(name, _HAPPENS[name][1](draw)) for name in names]


def faults_after(story: list[Step], *, durable: bool, clock_set: bool, catch_up: bool) -> list[str]:
    """Play it and let things calm down; what must not be."""
    school = School(durable=durable, clock_set=clock_set, catch_up=catch_up)
    for name, arguments in story:
        getattr(school, name)(*arguments)
    school.calm_down()
    dashboard, arrived = school.dashboard, school.dashboard.arrived
    found = {
        f"missing: {sorted(school.missing)}": bool(school.missing),
        "received twice": len(arrived) != len(set(arrived)),
        "reported as lost": any(isinstance(notice, Lost) for notice in dashboard.notices),
        f"the device is {dashboard.state}": dashboard.state is not DeviceState.ONLINE,
    }
    return [fault for fault, is_so in found.items() if is_so]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("catch_up", [False, True])
def test_after_any_story_the_dashboard_has_every_event_it_wants(durable: bool, catch_up: bool) -> None:
    for seed in range(STORIES):
        draw = random.Random(seed)
        clock_set, story = draw.random() < 0.5, a_story(draw)
        faults = faults_after(story, durable=durable, clock_set=clock_set, catch_up=catch_up)
        assert not faults, f"{faults} after story {seed}: {story}"
