"""A dashboard against a real broker and a real device's messaging."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edge_agent.client import (
    Arrived,
    Broker,
    BrokerChanged,
    Classroom,
    Denied,
    Device,
    DeviceState,
    Expression,
    Lost,
    Missing,
    Notice,
    Patience,
    Removed,
    Reply,
    ResendResult,
    StateChanged,
    Status,
    Unreadable,
    result_of,
)
from edge_agent.device.messenger import IncomingHandlers, Messenger
from edge_agent.device.session import new_session_id
from edge_agent.errors import InputError
from edge_agent.mqtt.connection import Connection, Will
from edge_agent.mqtt.errors import ConnectError
from edge_agent.protocol.messages import Desired, encode
from tests.client.messages import birth
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.messaging import settings_for
from tests.support.samples import a_change, a_report

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


def test_events_and_states_of_a_device_are_reported(
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


def test_a_last_will_that_comes_late_does_not_make_a_live_device_dead(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    topic = "classroom/v1/north/pi-3a/status"
    death = Will(topic, encode(Status(state="offline", session=new_session_id(1), reason="connection_lost")))
    earlier = Connection(Broker("127.0.0.1", mosquitto.port), "an earlier run, its line half-open", will=death)
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.ONLINE}, "the device")
    earlier.abort()

    def reported() -> list[Status]:
        arrived = [notice.message for notice in dashboard.of(Arrived) if isinstance(notice, Arrived)]
        return [message for message in arrived if isinstance(message, Status)]

    dashboard.until(lambda: len(reported()) == 3, "the late death, and the birth sent again")
    assert [status.state for status in reported()] == ["online", "offline", "online"]
    assert dashboard.of(StateChanged) == [StateChanged(PI, DeviceState.ONLINE, "")]
    with Subscriber(mosquitto.port) as newcomer:
        wait_until(lambda: newcomer.on("status"), what="what the broker keeps")
    kept = json.loads(newcomer.on("status")[0].payload)
    assert (kept["state"], kept["session"]) == ("online", messenger.session)


def test_events_missed_while_the_broker_forgot_everything_are_fetched(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    messenger.expression(a_change())
    dashboard.until(lambda: dashboard.seqs == [1], "the first event")
    dashboard.classroom.close()  # away without a session of its own
    for _ in range(20):
        messenger.expression(a_change())
    wait_until(lambda: messenger.statistics().outbox.delivered["expression"] == 21)
    mosquitto.kill()
    mosquitto.start()
    dashboard.until(lambda: len(dashboard.seqs) == 21, "the events")
    assert sorted(dashboard.seqs) == list(range(1, 22))
    assert dashboard.of(Missing) == [Missing(PI, messenger.session, "expression", 2, 21)]
    assert dashboard.of(Lost) == []


def test_what_the_device_gave_up_is_reported_as_lost(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    settings = settings_for(mosquitto.port, tmp_path, outbox={"max_rows": 100})
    messenger = start_messenger(settings)
    messenger.expression(a_change())
    dashboard.until(lambda: dashboard.seqs == [1], "the first event")
    mosquitto.stop()
    wait_until(lambda: not messenger.statistics().publisher.connected)
    for _ in range(150):
        messenger.expression(a_change())
    wait_until(lambda: messenger.statistics().outbox.accepted == 151)
    mosquitto.start()
    wait_until(lambda: messenger.statistics().outbox.pending == 0)
    messenger.health(a_report())
    lost = messenger.statistics().outbox.lost
    assert lost >= 50
    dashboard.until(lambda: dashboard.of(Lost), "the loss")
    assert dashboard.of(Lost) == [Lost(PI, messenger.session, "expression", 2, 1 + lost)]
    dashboard.until(lambda: len(dashboard.seqs) == 151 - lost, "all other events")


def test_losing_the_broker_is_reported_once_and_makes_devices_unknown(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    start_messenger(settings_for(mosquitto.port, tmp_path))
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.ONLINE}, "the device")
    mosquitto.stop()
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.UNKNOWN}, "the loss")
    mosquitto.start()
    dashboard.until(lambda: dashboard.classroom.states() == {PI: DeviceState.ONLINE}, "the device again")
    reported = [notice.connected for notice in dashboard.notices if isinstance(notice, BrokerChanged)]
    assert reported == [True, False, True]


def test_a_client_with_a_name_gets_what_came_while_it_was_away(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    broker = Broker("127.0.0.1", mosquitto.port)
    with Classroom(broker, client_id="wall-display") as classroom:
        dashboard = Dashboard(classroom)
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        dashboard.until(lambda: dashboard.classroom.states(), "the device")
    messenger.expression(a_change())
    wait_until(lambda: messenger.statistics().outbox.pending == 0)
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


def test_what_a_command_gave_is_read_as_its_type() -> None:
    reply = Reply(id="1", command="resend", ok=True, session="S", result={"count": 2, "missing": [[3, 4]]})
    assert result_of(reply) == ResendResult(count=2, missing=((3, 4),))
    assert result_of(Reply(id="1", command="ping", ok=True, session="S")) is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(id="1", command="snapshot", ok=False, session="S", error="not here"),
        Reply(id="1", command="resend", ok=True, session="S", result={"count": "many"}),
    ],
)
def test_a_refusal_or_a_broken_result_is_an_error_that_says_so(reply: Reply) -> None:
    with pytest.raises(InputError, match=r"snapshot refused: not here|not the result of a resend"):
        result_of(reply)


def test_a_device_is_muted_through_what_the_broker_keeps(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    dashboard.classroom.mute(PI, True)
    heard: list[tuple[Desired, bool]] = []
    dashboard.until(lambda: True, "the message on its way")
    settings = settings_for(mosquitto.port, tmp_path)
    start_messenger(
        settings, handlers=IncomingHandlers(on_desired=lambda desired, whole: heard.append((desired, whole)))
    )
    wait_until(lambda: heard, what="the request")
    desired, whole = heard[0]
    assert (desired.muted, whole) == (True, True)
    assert isinstance(desired.issued_at, str)


def test_muting_leaves_alone_what_else_is_asked_of_the_device(mosquitto: Mosquitto, dashboard: Dashboard) -> None:
    with Subscriber(mosquitto.port) as other:
        topic = "classroom/v1/north/pi-3a/desired"
        other.publish(topic, b'{"v":1,"model":"9f86d081884c"}', retain=True)
        other.publish("classroom/v1/north/pi-3a/expression", b"{}")
        dashboard.until(lambda: dashboard.of(Unreadable), "what came after it")
        dashboard.classroom.mute(PI, True)
        wait_until(lambda: len(other.on("desired")) == 2, what="the request")
    asked = json.loads(other.on("desired")[1].payload)
    assert (asked["muted"], asked["model"]) == (True, "9f86d081884c")
    assert dashboard.classroom.states() == {}


def test_a_client_that_may_only_listen_is_notified_once(start_messenger: Start, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read classroom/#\nuser device\ntopic readwrite classroom/#\n")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    subprocess.run(["mosquitto_passwd", "-b", passwords, "device", "secret"], check=True, capture_output=True)
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    config = f"allow_anonymous true\nacl_file {rules}\npassword_file {passwords}"
    with (
        running_mosquitto(tmp_path, config) as mosquitto,
        Classroom(Broker("127.0.0.1", mosquitto.port), patience=QUICK, catch_up=True) as classroom,
    ):
        account: dict[str, Any] = {"username": "device", "password_file": str(secret)}
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path, **account))
        messenger.expression(a_change())
        wait_until(lambda: messenger.statistics().outbox.delivered.get("expression") == 1, what="an event nobody heard")
        messenger.health(a_report())
        dashboard = Dashboard(classroom)
        dashboard.until(lambda: dashboard.of(Denied), "the refusal")
        classroom.send(PI, "ping")
        dashboard.until(lambda: dashboard.of(Arrived) and not classroom.poll(0.5), "silence")
    assert [notice.topic for notice in dashboard.of(Denied) if isinstance(notice, Denied)] == [
        "classroom/v1/north/pi-3a/command"
    ]


def test_a_message_that_breaks_the_contract_is_reported(mosquitto: Mosquitto, dashboard: Dashboard) -> None:
    with Subscriber(mosquitto.port) as other:
        other.publish("classroom/v1/north/pi-3a/expression", b'{"v":1,"kind":"dance"}')
    dashboard.until(lambda: dashboard.of(Unreadable), "the message")


@pytest.mark.parametrize("name", ["status", "expression", "summary", "health", "reply", "desired"])
def test_a_payload_that_is_no_message_is_reported_and_the_next_one_read(
    name: str, mosquitto: Mosquitto, dashboard: Dashboard
) -> None:
    topic = f"classroom/v1/north/pi-3a/{name}"
    payloads = [b"\xff\xfe", b"{", b"null", b"[]", b"7", b'"text"', b'{"v":[]}', b"[" * 5000]
    payloads += [] if name in ("status", "health", "desired") else [b""]  # deletes what the broker keeps there
    with Subscriber(mosquitto.port) as other:
        for payload in payloads:
            other.publish(topic, payload)
        dashboard.until(lambda: len(dashboard.of(Unreadable)) == len(payloads), "the notices")
        other.publish("classroom/v1/north/pi-3a/status", encode(birth()))
        dashboard.until(lambda: dashboard.of(Arrived), "a sound message")
    assert {notice.topic for notice in dashboard.of(Unreadable) if isinstance(notice, Unreadable)} == {topic}


def test_a_broker_that_says_no_raises_at_once(tmp_path: Path) -> None:
    with (
        running_mosquitto(tmp_path, "allow_anonymous false") as mosquitto,
        Classroom(Broker("127.0.0.1", mosquitto.port)) as classroom,
        pytest.raises(ConnectError, match="not authorized"),
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
    wait_until(lambda: messenger.statistics().outbox.delivered["expression"] == 60, what="the backlog")
    messenger.health(a_report())
    with Classroom(Broker("127.0.0.1", mosquitto.port), catch_up=True, patience=QUICK) as classroom:
        latecomer = Dashboard(classroom)
        latecomer.until(lambda: len(latecomer.seqs) == 60, "the events of the earlier run")


def test_runs_in_quick_succession_while_it_was_away_are_all_fetched(
    mosquitto: Mosquitto, dashboard: Dashboard, start_messenger: Start, tmp_path: Path
) -> None:
    settings = settings_for(mosquitto.port, tmp_path)
    first = start_messenger(settings)
    wait_until(lambda: first.statistics().publisher.connected)
    first.stop()
    dashboard.until(lambda: dashboard.classroom.states(), "the device")
    dashboard.classroom.close()
    for _ in range(12):
        messenger = start_messenger(settings)
        messenger.expression(a_change())
        wait_until(partial(delivered, messenger), what="its delivery")
        messenger.stop()
    start_messenger(settings)
    dashboard.until(lambda: len(dashboard.seqs) == 12, "every run's event")


def delivered(messenger: Messenger) -> int:
    return messenger.statistics().outbox.delivered["expression"]


CATCHING_UP: dict[str, Any] = {"catch_up": True, "patience": QUICK}


def a_device_with_a_past(start_messenger: Start, port: int, folder: Path, count: int = 20) -> Messenger:
    """A device that has delivered events before anybody listened."""
    messenger = start_messenger(settings_for(port, folder))
    for _ in range(count):
        messenger.expression(a_change())
    wait_until(lambda: messenger.statistics().outbox.delivered["expression"] == count, what="all delivered")
    messenger.health(a_report())
    return messenger


def test_who_catches_up_disturbs_nobody_else(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    a_device_with_a_past(start_messenger, mosquitto.port, tmp_path)
    broker = Broker("127.0.0.1", mosquitto.port)
    with (
        Subscriber(mosquitto.port, ("classroom/v1/#",)) as everybody,
        Classroom(broker, **CATCHING_UP) as one,
        Classroom(broker, **CATCHING_UP) as other,
        Classroom(broker, patience=QUICK) as bystander,
    ):
        first, second, third = Dashboard(one), Dashboard(other), Dashboard(bystander)
        first.until(lambda: len(first.seqs) == 20, "the past")
        second.until(lambda: len(second.seqs) == 20, "the past for the other one too")
        third.notices += bystander.poll(0.5)
        assert (sorted(first.seqs), sorted(second.seqs), third.seqs) == (list(range(1, 21)),) * 2 + ([],)
        events = [n for n in first.notices if isinstance(n, Arrived) and isinstance(n.message, Expression)]
        assert all(notice.late for notice in events)
        assert everybody.on("expression") == []
        assert first.of(Denied) == second.of(Denied) == []


@pytest.mark.parametrize(
    "rules",
    [
        "topic readwrite classroom/v1/#\n",
        "topic readwrite classroom/v1/#\ntopic write classroom/resent/#\n",
        "topic readwrite classroom/v1/#\ntopic read classroom/resent/#\n",
    ],
    ids=["neither may", "nobody may read", "the device may not write"],
)
def test_where_the_broker_does_not_let_it_the_client_asks_in_the_old_way_and_says_so_once(
    rules: str, start_messenger: Start, tmp_path: Path
) -> None:
    file = tmp_path / "acl"
    file.write_text(rules)
    with running_mosquitto(tmp_path, f"acl_file {file}") as mosquitto:
        a_device_with_a_past(start_messenger, mosquitto.port, tmp_path)
        with Classroom(Broker("127.0.0.1", mosquitto.port), client_id="wall", **CATCHING_UP) as classroom:
            dashboard = Dashboard(classroom)
            dashboard.until(lambda: len(dashboard.seqs) == 20, "the past")
            (denied,) = dashboard.of(Denied)
    assert isinstance(denied, Denied)
    assert denied.topic == "classroom/resent/v1/-/wall/+/+/+"


def test_an_account_that_may_only_read_asks_several_devices_at_once_and_nothing_is_reported(
    start_messenger: Start, tmp_path: Path
) -> None:
    rules = tmp_path / "acl"
    own = ("expression", "summary", "health", "status", "reply", "desired")
    lines = [f"topic readwrite classroom/v1/+/+/{name}" for name in own]
    lines += ["topic read classroom/v1/+/+/command", "topic readwrite classroom/resent/#"]
    rules.write_text("\n".join(lines) + "\n")
    with running_mosquitto(tmp_path, f"acl_file {rules}") as mosquitto:
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            settings = settings_for(mosquitto.port, folder)
            messenger = start_messenger(replace(settings, device=replace(settings.device, id=f"pi-{number}")))
            messenger.expression(a_change())
            wait_until(partial(delivered, messenger), what="its delivery")
            messenger.health(a_report())
        with Classroom(Broker("127.0.0.1", mosquitto.port), **CATCHING_UP) as classroom:
            dashboard = Dashboard(classroom)
            dashboard.until(lambda: len(dashboard.seqs) == 3, "the past of all three")
            assert dashboard.of(Denied) == []


def test_a_subscription_that_the_broker_denies_ends_nothing(start_messenger: Start, tmp_path: Path) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("Mosquitto's dynamic security plugin is not installed, and access files do not deny subscriptions")
    rules = tmp_path / "rules.json"
    may = [{"acltype": "subscribePattern", "topic": "classroom/v1/#", "allow": True}]
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    groups = [{"groupname": "all", "roles": [{"rolename": "any"}]}]
    rules.write_text(
        json.dumps(
            {
                "defaultACLAccess": access,
                "roles": [{"rolename": "any", "acls": may}],
                "groups": groups,
                "clients": [],
                "anonymousGroup": "all",
            }
        )
    )
    with running_mosquitto(tmp_path, f"plugin {plugin}\nplugin_opt_config_file {rules}") as mosquitto:
        a_device_with_a_past(start_messenger, mosquitto.port, tmp_path)
        with Classroom(Broker("127.0.0.1", mosquitto.port), **CATCHING_UP) as classroom:
            dashboard = Dashboard(classroom)
            dashboard.until(lambda: len(dashboard.seqs) == 20, "the past")
            assert len(dashboard.of(Denied)) == 1


def test_a_status_deleted_at_the_broker_is_reported(dashboard: Dashboard, mosquitto: Mosquitto) -> None:
    with Subscriber(mosquitto.port) as anybody:
        anybody.publish("classroom/v1/north/pi-3a/status", b"", retain=True)
        dashboard.until(lambda: dashboard.of(Removed), "the removal")
    assert dashboard.of(Removed) == [Removed(PI, "status")]
    assert not dashboard.classroom.states()
