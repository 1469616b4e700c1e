"""Whatever happens to device, broker and dashboard in whatever order: afterwards the dashboard has every event."""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.client.liveness import DeviceState
from edge_agent.client.notices import Lost
from edge_agent.messaging.topics import SEQUENCED
from tests.client.messages import death
from tests.client.simulated import Event, SimulatedBroker, SimulatedDashboard, SimulatedDevice

EXAMPLES = int(os.environ.get("EXAMPLES", "0"))


class School:
    """One device, one broker, one dashboard. ``durable``: the broker keeps what comes while the dashboard is away."""

    def __init__(self, *, durable: bool, clock_set: bool) -> None:
        self.durable = durable
        self.now = 0.0
        self.broker, self.device, self.dashboard = (
            SimulatedBroker(),
            SimulatedDevice(clock_set=clock_set),
            SimulatedDashboard(),
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
        """It tells of connected devices as dead; the dashboard may hear that."""
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
        """What the device has accepted since the dashboard came, and the dashboard has not got."""
        return set(self.device.accepted[self.dashboard.joined_after :]) - set(self.dashboard.arrived)

    def _broker_goes(self) -> None:
        self.broker.up = False
        self.device.hang_up()
        if self.dashboard.connected:
            self.dashboard.lose_connection()
        self.broker.load()
        if not self.durable:
            self.broker.forget_dashboard()


Step = Callable[[School], None]


def step(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    """Something that happens, with arguments of its own."""
    return st.tuples(*arguments).map(lambda drawn: _Step(name, drawn))


class _Step:
    """Prints as what it does, so that a failure can be read as a story."""

    def __init__(self, name: str, arguments: tuple[object, ...]) -> None:
        self._name, self._arguments = name, arguments

    def __call__(self, school: School) -> None:
        getattr(school, self._name)(*self._arguments)

    def __repr__(self) -> str:
        return f"{self._name}{self._arguments}"


few = st.integers(1, 4)
steps = st.lists(
    st.one_of(
        step("accept", st.sampled_from(SEQUENCED), few),
        step("device_starts"),
        step("device_connects"),
        step("device_sends", st.integers(1, 12)),
        step("device_reports"),
        step("device_line_breaks", st.booleans()),
        step("device_dies", st.integers(0, 3)),
        step("will_is_due"),
        step("dashboard_connects"),
        step("dashboard_receives", st.integers(1, 12)),
        step("dashboard_line_breaks"),
        step("broker_saves"),
        step("broker_dies"),
        step("broker_ends", st.integers(0, 8), st.booleans()),
        step("broker_starts"),
        step("time_passes", st.sampled_from([0.1, 1.0, 2.5, 40.0, 300.0])),
    ),
    max_size=40,
)


@settings(max_examples=EXAMPLES or 300, derandomize=not EXAMPLES)
@given(durable=st.booleans(), clock_set=st.booleans(), story=steps)
def test_after_any_story_the_dashboard_has_every_event_accepted_since_it_came(
    durable: bool, clock_set: bool, story: list[Step]
) -> None:
    school = School(durable=durable, clock_set=clock_set)
    for happens in story:
        happens(school)
    school.calm_down()
    dashboard, arrived = school.dashboard, school.dashboard.arrived
    assert school.missing == set()
    assert len(arrived) == len(set(arrived))
    assert not [notice for notice in dashboard.notices if isinstance(notice, Lost)]
    assert dashboard.state is DeviceState.ONLINE
