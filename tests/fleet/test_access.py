"""Who may do what at a school's broker: attacks on a real Mosquitto with the shipped configuration."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from msgspec.structs import replace as replace_struct
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.config import TlsSettings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.device.probe import probe_broker
from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker, tls_context
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.events import Acknowledged, Closed, ConnectionEvent, Received
from edge_agent.protocol.topics import NAMES, Topics
from fleet.authority import Authority
from fleet.register import utc_now, write_register
from tests.fleet.conftest import PASSWORD, SchoolUnderTest
from tests.support.broker import wait_until

A, B = Topics("classroom", "school", "a"), Topics("classroom", "school", "b")


@contextlib.contextmanager
def connected(broker: Broker, client_id: str = "anything", *, session_expiry_s: int = 0) -> Iterator[Connection]:
    """A connection that is closed at the end."""
    connection = Connection(broker, client_id, session_expiry_s=session_expiry_s)
    try:
        yield connection
    finally:
        connection.close()


def publishes(connection: Connection, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> bool:
    """Whether the broker takes a message."""
    packet = connection.publish(topic, payload, retain=retain)
    answers: list[Acknowledged] = []

    def answered() -> bool:
        signals = connection.poll(0.05)
        answers.extend(s for s in signals if isinstance(s, Acknowledged) and s.packet_id == packet)
        assert not any(isinstance(signal, Closed) for signal in signals)
        return bool(answers)

    wait_until(answered, what="an answer")
    return answers[0].ok


def hears(connection: Connection, topic: str, speaker: Connection, spoken: str, *, within_s: float = 2.0) -> bool:
    """Whether a message published by ``speaker`` on ``spoken`` arrives in time."""
    connection.subscribe([topic])
    assert publishes(speaker, spoken, b"secret", retain=True)
    heard: list[ConnectionEvent] = []
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        heard += connection.poll(0.1)
        if any(isinstance(signal, Received) and signal.payload == b"secret" for signal in heard):
            return True
    return False


gets = partial(hears, within_s=30.0)
"""For what should arrive: a busy broker may take its time."""


def with_account(school: SchoolUnderTest, name: str, password: str = PASSWORD) -> Broker:
    return replace(school.account(), username=name, password=password)


def certificate_of(authority: Authority, name: str, folder: Path) -> tuple[str, str]:
    """A client certificate and its key as files."""
    key = new_key()
    made = authority.issue(name, key.public_key(), "client", now=utc_now(), valid=timedelta(days=1))
    shown, own = folder / "foreign.crt", folder / "foreign.key"
    shown.write_bytes(certificate_pem(made))
    own.write_bytes(key_pem(key))
    return str(shown), str(own)


def test_an_enrolled_device_passes_the_doctors_probe(school: SchoolUnderTest) -> None:
    device = school.device("a")
    assert "may publish and subscribe" in probe_broker(device.settings)


def test_the_doctors_probe_leaves_an_agent_at_work_its_connection(school: SchoolUnderTest) -> None:
    device = school.device("a")
    messenger = Messenger(device.settings, ModelIdentity(("happy",), "9f86d081884c"))
    messenger.start()
    try:
        wait_until(lambda: messenger.statistics().publisher.connected, what="the agent's connection")
        assert "the agent at work keeps the connection to itself" in probe_broker(device.settings)
        time.sleep(0.5)
        statistics = messenger.statistics()
        assert (statistics.publisher.connected, statistics.publisher.connections, statistics.duplicate_ids) == (
            True,
            1,
            0,
        )
    finally:
        messenger.stop()
    assert "may publish and subscribe" in probe_broker(device.settings)


def test_a_revoked_device_is_told_about_its_certificate(school: SchoolUnderTest) -> None:
    device = school.device("gone")
    school.revoke("gone")
    for ask in (lambda: Connection(device.broker(), "x"), lambda: probe_broker(device.settings)):
        with pytest.raises(
            ConnectError, match=r"this device's certificate: certificate revoked.*Enrol the device anew"
        ):
            ask()


def test_a_device_that_was_never_enrolled_is_told_to_be(school: SchoolUnderTest) -> None:
    with pytest.raises(ConnectError, match=r"a device without a certificate: certificate required.*Enrol the device"):
        Connection(replace(school.account(), port=school.broker.port), "x")


def test_a_device_publishes_what_is_its_own(school: SchoolUnderTest) -> None:
    device = school.device("a")
    with connected(device.broker()) as connection:
        allowed = {name for name in NAMES if publishes(connection, A.of(name))}
        assert publishes(connection, "homeassistant/device/school/a/config")
    assert allowed == {"status", "expression", "summary", "health", "reply"}


def test_a_device_cannot_publish_as_another(school: SchoolUnderTest) -> None:
    device = school.device("a")
    school.device("b")
    with connected(device.broker(), B.client_id) as connection:
        assert not [name for name in NAMES if publishes(connection, B.of(name))]
        assert not publishes(connection, "homeassistant/device/school/b/config")


@pytest.mark.parametrize("topic", ["classroom/v1/school/b/command", "classroom/v1/+/+/command", "#"])
def test_a_device_cannot_read_another_ones_commands(school: SchoolUnderTest, topic: str) -> None:
    device, other = school.device("a"), school.device("b")
    operator = with_account(school, "operator")
    with connected(device.broker()) as thief, connected(other.broker()) as owner, connected(operator) as speaker:
        assert not hears(thief, topic, speaker, B.of("command"))
        assert gets(owner, B.of("command"), speaker, B.of("command"))


def test_a_shared_subscription_opens_no_door(school: SchoolUnderTest) -> None:
    device, other = school.device("a"), school.device("b")
    dashboard = with_account(school, "dashboard")
    with connected(device.broker()) as thief, connected(dashboard) as reader, connected(other.broker()) as speaker:
        assert not hears(thief, "$share/g/classroom/v1/#", speaker, B.of("summary"))
        reader.subscribe(["$share/h/classroom/v1/#"])
        reader.poll(0.5)
        assert publishes(speaker, B.of("summary"), b"for the group")
        heard: list[ConnectionEvent] = []

        def came() -> bool:
            heard.extend(reader.poll(0.1))
            return any(isinstance(signal, Received) and signal.payload == b"for the group" for signal in heard)

        wait_until(came, what="the message for the group")


@pytest.mark.parametrize("named", ["identity", "client_id"])
def test_a_device_cannot_take_over_another_ones_session(school: SchoolUnderTest, named: str) -> None:
    device, other = school.device("a"), school.device("b")
    wanted = school.entry("b").identity if named == "identity" else B.client_id
    with connected(other.broker(), B.client_id) as victim:
        with connected(device.broker(), wanted) as attacker:
            assert publishes(attacker, A.of("status"))
        assert publishes(victim, B.of("status"))


def test_a_program_cannot_take_over_a_devices_session(school: SchoolUnderTest) -> None:
    # It would have to know the random part of the device's identity, which no topic shows.
    device = school.device("a")
    with connected(device.broker(), A.client_id) as victim:
        for guess in (A.client_id, "school:a"):
            with connected(with_account(school, "dashboard"), guess):
                pass
        assert publishes(victim, A.of("status"))


def test_a_certificate_of_another_authority_is_refused(school: SchoolUnderTest, tmp_path: Path) -> None:
    school.device("a")
    stranger = Authority.create("North School", utc_now())
    cert, key = certificate_of(stranger, school.entry("a").identity, tmp_path)
    tls = TlsSettings(enabled=True, ca=str(school.broker.files / "ca.crt"), cert=cert, key=key)
    with pytest.raises(BrokerError):
        Connection(Broker("localhost", school.broker.port, tls=tls_context(tls)), "x")


def test_a_client_without_a_certificate_is_refused(school: SchoolUnderTest) -> None:
    with pytest.raises(BrokerError):
        Connection(replace(school.account(), port=school.broker.port, username="operator"), "x")


def test_a_stolen_certificate_without_its_key_is_of_no_use(school: SchoolUnderTest, tmp_path: Path) -> None:
    device = school.device("a")
    own = tmp_path / "other.key"
    own.write_bytes(key_pem(new_key()))
    context = ssl.create_default_context(cafile=device.settings.mqtt.tls.ca)
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(device.settings.mqtt.tls.cert, own)


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho, on a failed handshake
def test_a_device_does_not_believe_another_broker(school: SchoolUnderTest, tmp_path: Path) -> None:
    device = school.device("a")
    ca = tmp_path / "ca.crt"
    ca.write_bytes(certificate_pem(Authority.create("North School", utc_now()).certificate))
    tls = replace_struct(device.settings.mqtt.tls, ca=str(ca))
    with pytest.raises(BrokerError, match="its certificate"):
        Connection(replace(device.broker(), tls=tls_context(tls)), "x")


def test_a_revoked_device_is_shut_out_at_once_and_the_others_are_not(school: SchoolUnderTest) -> None:
    device, other, own = school.device("lost"), school.device("b"), Topics("classroom", "school", "lost")
    listening = contextlib.ExitStack()
    with connected(device.broker(), session_expiry_s=3600) as live, connected(other.broker()) as untouched:
        assert publishes(live, own.of("status"), b'{"v":1,"state":"online","session":"01JD5W7T4KQ2"}', retain=True)
        dashboard = listening.enter_context(connected(with_account(school, "dashboard")))
        dashboard.subscribe([own.of("status")])
        school.revoke("lost")
        wait_until(lambda: any(isinstance(signal, Closed) for signal in live.poll(0.1)), what="the end of its session")
        with pytest.raises(BrokerError):
            Connection(device.broker(), "x")
        assert publishes(untouched, B.of("status"))
    received: list[Received] = []
    with listening:
        while not received or received[-1].payload:
            received += [signal for signal in dashboard.poll(5.0) if isinstance(signal, Received)]
    assert b'"offline"' in received[-2].payload, "whoever listens hears of it before the status goes"


def test_a_status_that_nobody_can_read_goes_with_the_device(school: SchoolUnderTest) -> None:
    device, topic = school.device("babbling"), Topics("classroom", "school", "babbling").of("status")
    with connected(device.broker()) as connection:
        assert publishes(connection, topic, b"left behind", retain=True)
    school.revoke("babbling")
    with connected(with_account(school, "dashboard"), "looking") as dashboard:
        dashboard.subscribe([topic])
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert not [signal for signal in dashboard.poll(0.1) if isinstance(signal, Received)]


def test_a_device_revoked_while_the_broker_was_away_is_shut_out_by_revoking_it_again(school: SchoolUnderTest) -> None:
    device, there = school.device("stays"), school.fleet().register.school
    with connected(device.broker()) as live:
        write_register(school.folder, replace_struct(school.fleet().register, school=replace_struct(there, port=9)))
        with pytest.raises(BrokerError, match="run this again"):
            school.revoke("stays")
        write_register(school.folder, replace_struct(school.fleet().register, school=there))
        school.revoke("stays")
        wait_until(lambda: any(isinstance(signal, Closed) for signal in live.poll(0.1)), what="the end of its session")


def test_a_revoked_device_can_be_set_up_anew(school: SchoolUnderTest) -> None:
    old = school.device("again")
    revoked_tls = replace_struct(old.settings.mqtt.tls)
    school.revoke("again")
    for name in ("device.key", "device.crt"):
        (old.keys / name).rename(old.keys / f"old-{name}")
    old.keys.parent.rename(school.home / "before")
    new = school.enrol("again")
    with connected(new.broker()) as connection:
        assert publishes(connection, Topics("classroom", "school", "again").of("status"))
    stolen = replace_struct(
        revoked_tls,
        ca=str(school.broker.files / "ca.crt"),
        cert=str(school.home / "before/tls/old-device.crt"),
        key=str(school.home / "before/tls/old-device.key"),
    )
    with pytest.raises(BrokerError):
        Connection(replace(new.broker(), tls=tls_context(stolen)), "x")


def test_the_dashboard_account_reads_and_cannot_write(school: SchoolUnderTest) -> None:
    device = school.device("a")
    with connected(with_account(school, "dashboard")) as dashboard, connected(device.broker()) as speaker:
        assert gets(dashboard, "classroom/v1/#", speaker, A.of("summary"))
        assert not [name for name in NAMES if publishes(dashboard, A.of(name))]
        assert not publishes(dashboard, "homeassistant/status")


def test_the_operator_account_writes_desired_and_command_alone(school: SchoolUnderTest) -> None:
    school.device("a")
    with connected(with_account(school, "operator")) as operator:
        assert {name for name in NAMES if publishes(operator, A.of(name))} == {"desired", "command"}


def test_home_assistant_gets_discovery_and_steers(school: SchoolUnderTest) -> None:
    device = school.device("a")
    with connected(with_account(school, "homeassistant")) as home, connected(device.broker()) as speaker:
        config = "homeassistant/device/school/a/config"
        assert gets(home, "homeassistant/#", speaker, config)
        assert gets(speaker, config, home, config), "the device has to see its own, to take it back"
        assert {name for name in NAMES if publishes(home, A.of(name))} == {"desired", "command"}
        assert gets(speaker, "homeassistant/status", home, "homeassistant/status")


def test_a_wrong_password_is_refused(school: SchoolUnderTest) -> None:
    with pytest.raises(BrokerError):
        Connection(with_account(school, "operator", "wrong"), "x")


def test_nobody_is_let_in_without_a_name(school: SchoolUnderTest) -> None:
    with pytest.raises(BrokerError):
        Connection(school.account(), "x")


@pytest.mark.parametrize("listener", ["port", "programs", "browsers"])
def test_plain_text_is_not_spoken(school: SchoolUnderTest, listener: str) -> None:
    hello = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc"
    with socket.create_connection(("127.0.0.1", getattr(school.broker, listener)), timeout=5) as plain:
        plain.sendall(hello)
        answer = b""
        with contextlib.suppress(OSError):
            answer = plain.recv(100)
    # A TLS alert (type 21) may come; an MQTT CONNACK (0x20) or words of HTTP may not.
    assert answer[:1] in (b"", b"\x15")


def test_browsers_reach_the_broker_over_websockets(school: SchoolUnderTest) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, transport="websockets")
    client.username_pw_set("dashboard", PASSWORD)
    client.tls_set_context(ssl.create_default_context(cafile=str(school.broker.files / "ca.crt")))
    client.connect("localhost", school.broker.browsers)
    client.loop_start()
    try:
        wait_until(client.is_connected, what="a connection over WebSocket")
    finally:
        client.disconnect()
        client.loop_stop()


def test_events_sent_again_for_one_account_reach_nobody_else(school: SchoolUnderTest) -> None:
    a, b = school.device("a"), school.device("b")
    own = "classroom/resent/v1/{}/wall/school/{}/expression"
    with connected(a.broker()) as device:
        assert publishes(device, own.format("operator", "a"))
        assert not publishes(device, own.format("operator", "b"))
        assert not publishes(device, "classroom/resent/v1/operator/wall/school/a/desired")
    for account in ("dashboard", "homeassistant"):
        with connected(with_account(school, account)) as listener, connected(a.broker()) as device:
            assert not hears(listener, "classroom/resent/#", device, own.format("operator", "a"), within_s=1.0)
            assert not publishes(listener, own.format(account, "a"))
    with connected(b.broker()) as other, connected(a.broker()) as device:
        assert not hears(other, "classroom/resent/#", device, own.format("operator", "a"), within_s=1.0)
    with connected(with_account(school, "operator")) as operator, connected(a.broker()) as device:
        assert gets(operator, "classroom/resent/v1/operator/wall/+/+/+", device, own.format("operator", "a"))
        assert not publishes(operator, own.format("operator", "a"))
