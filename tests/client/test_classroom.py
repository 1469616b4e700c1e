"""A dashboard against a real broker and a real device's messaging."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.client import (
    Arrived,
    Broker,
    BrokerChanged,
    Classroom,
    Device,
    DeviceState,
    Expression,
    Lost,
    Missing,
    Notice,
    Patience,
    Reply,
    StateChanged,
    Unreadable,
)
from edge_agent.messaging.messenger import Messenger
from edge_agent.messaging.refusals import Refused
from tests.broker import Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.messaging.conftest import settings_for
from tests.messaging.samples import a_change, a_report

Start = Callable[..., Messenger]
PI = Device("north", "pi-3a")
QUICK = Patience(grace_s=0.1, retry_s=0.5)


class Dashboard:
    """A classroom whose notices pile up."""

    def __init__(self, classroom: Classroom) -> None:
        self.classroom = classroom
        self.notices: list[Notice] = []

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        """Poll until the condition holds."""

        def polled() -> bool:
            self.notices += self.classroom.poll(0.05)
            return bool(condition())

        wait_until(polled, timeout_s, what)

    def of(self, kind: type) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    @property
    def seqs(self) -> list[int]:
        arrived = [notice.message for notice in self.notices if isinstance(notice, Arrived)]
        return [message.seq for message in arrived if isinstance(message, Expression)]


@pytest.fixture
def dashboard(mosquitto: Mosquitto) -> Iterator[Dashboard]:
    with Classroom(Broker("127.0.0.1", mosquitto.port), patience=QUICK) as classroom:
        made = Dashboard(classroom)
        made.until(lambda: made.of(BrokerChanged), "a connection")
        yield made


def test_events_and_states_of_a_device_are_told(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    messenger.health(a_report())
    for _ in range(3):
        messenger.expression(a_change())
    dashboard.until(lambda: len(dashboard.seqs) == 3, "the events")
    messenger.stop()
    dashboard.until(lambda: len(dashboard.of(StateChanged)) == 2, "the death")
    assert dashboard.of(StateChanged) == [
        StateChanged(PI, DeviceState.ONLINE, ""),
        StateChanged(PI, DeviceState.OFFLINE, "stopped"),
    ]
    assert dashboard.seqs == [1, 2, 3]


def test_events_missed_while_the_broker_forgot_everything_are_fetched(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    messenger.expression(a_change())
    dashboard.until(lambda: dashboard.seqs == [1], "the first event")
    dashboard.classroom.close()  # away without a session of its own
    for _ in range(20):
        messenger.expression(a_change())
    wait_until(lambda: messenger.counters().delivered["expression"] == 21)
    mosquitto.kill()
    mosquitto.start()
    dashboard.until(lambda: len(dashboard.seqs) == 21, "the events")
    assert sorted(dashboard.seqs) == list(range(1, 22))
    assert dashboard.of(Missing) == [Missing(PI, messenger.session, "expression", 2, 21)]
    assert dashboard.of(Lost) == []


def test_what_the_device_gave_up_is_told_as_lost(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    settings = settings_for(mosquitto.port, tmp_path, outbox={"max_rows": 100})
    messenger = start_messenger(settings)
    messenger.expression(a_change())
    dashboard.until(lambda: dashboard.seqs == [1], "the first event")
    mosquitto.stop()
    wait_until(lambda: not messenger.counters().connected)
    for _ in range(150):
        messenger.expression(a_change())
    wait_until(lambda: messenger.counters().accepted == 151)
    mosquitto.start()
    wait_until(lambda: messenger.counters().pending == 0)
    messenger.health(a_report())
    lost = messenger.counters().lost
    assert lost >= 51
    dashboard.until(lambda: dashboard.of(Lost), "the loss")
    assert dashboard.of(Lost) == [Lost(PI, messenger.session, "expression", 2, 1 + lost)]
    dashboard.until(lambda: len(dashboard.seqs) == 151 - lost, "all other events")


def test_losing_the_broker_is_told_once_and_makes_devices_unknown(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    start_messenger(settings_for(mosquitto.port, tmp_path))
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.ONLINE}, "the device")
    mosquitto.stop()
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.UNKNOWN}, "the loss")
    mosquitto.start()
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.ONLINE}, "the device again")
    told = [notice.connected for notice in dashboard.notices if isinstance(notice, BrokerChanged)]
    assert told == [True, False, True]


def test_a_client_with_a_name_gets_what_came_while_it_was_away(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    broker = Broker("127.0.0.1", mosquitto.port)
    with Classroom(broker, client_id="wall-display") as classroom:
        dashboard = Dashboard(classroom)
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        dashboard.until(lambda: dashboard.classroom.states(), "the device")
    messenger.expression(a_change())
    wait_until(lambda: messenger.counters().pending == 0)
    with Classroom(broker, client_id="wall-display") as classroom:
        again = Dashboard(classroom)
        again.until(lambda: again.seqs == [1], "the event")


def test_commands_can_be_sent_and_their_replies_told_apart(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    start_messenger(settings_for(mosquitto.port, tmp_path))
    dashboard.until(lambda: dashboard.classroom.states(), "the device")
    command_id = dashboard.classroom.send(PI, "ping")
    dashboard.until(lambda: any(isinstance(n, Arrived) and isinstance(n.message, Reply) for n in dashboard.notices), "")
    replies = [n.message for n in dashboard.notices if isinstance(n, Arrived) and isinstance(n.message, Reply)]
    assert [(reply.id, reply.ok) for reply in replies] == [(command_id, True)]


def test_a_message_that_breaks_the_contract_is_told(mosquitto: Mosquitto, dashboard: Dashboard) -> None:
    with Subscriber(mosquitto.port) as other:
        other.publish("classroom/v1/north/pi-3a/expression", b'{"v":1,"kind":"dance"}')
    dashboard.until(lambda: dashboard.of(Unreadable), "the message")


def test_a_broker_that_says_no_raises_at_once(tmp_path: Path) -> None:
    with (
        running_mosquitto(tmp_path, "allow_anonymous false") as mosquitto,
        Classroom(Broker("127.0.0.1", mosquitto.port)) as classroom,
        pytest.raises(Refused, match="not authorized"),
    ):
        classroom.poll()


def test_who_joins_after_a_backlog_learns_of_the_runs_it_came_from(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    earlier = start_messenger(settings_for(1, tmp_path))
    for _ in range(60):
        earlier.expression(a_change())
    earlier.stop(drain_s=0.0)
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    wait_until(lambda: messenger.counters().delivered["expression"] == 60, what="the backlog")
    messenger.health(a_report())
    with Classroom(Broker("127.0.0.1", mosquitto.port), catch_up=True, patience=QUICK) as classroom:
        latecomer = Dashboard(classroom)
        latecomer.until(lambda: len(latecomer.seqs) == 60, "the events of the earlier run")
