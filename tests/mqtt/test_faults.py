"""Every fault between a device and its broker has its own remedy, seen with a real Mosquitto in both directions."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_agent.client import Classroom
from edge_agent.client.follower import Follower
from edge_agent.config import MqttSettings, TlsSettings
from edge_agent.console.live_view import LiveView
from edge_agent.device.probe import probe_broker
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.faults import NO_TLS, USE_TLS, network_fault, tls_fault
from tests.support.broker import free_port, running_mosquitto, wait_until
from tests.support.brokers_certificates import TestAuthority
from tests.support.messaging import settings_for

Files = tuple[Path, Path]


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "authority")


def broker_config(server: Files, more: str = "") -> str:
    return f"certfile {server[0]}\nkeyfile {server[1]}\n{more}"


def fault_at(port: int, tls: TlsSettings, host: str = "localhost", protocol: str = "5") -> BrokerError:
    """What a connection says that cannot come about."""
    settings = MqttSettings(host=host, port=port, tls=tls, protocol=protocol)  # type: ignore[arg-type]
    with pytest.raises(BrokerError) as caught:
        Connection(Broker.from_settings(settings), "device", answer_within_s=5.0).close()
    return caught.value


def fault_of(folder: Path, server: Files, ca: Path, *, host: str = "localhost", more: str = "") -> BrokerError:
    """What a device says of a broker with this certificate."""
    with running_mosquitto(folder, broker_config(server, more)) as mosquitto:
        return fault_at(mosquitto.port, TlsSettings(enabled=True, ca=str(ca)), host)


def test_a_certificate_that_is_not_valid_yet_asks_for_the_clock(authority: TestAuthority, tmp_path: Path) -> None:
    error = fault_of(tmp_path, authority.issue("early", begins=2), authority.file)
    assert "not yet valid (it is from 20" in str(error)
    assert f"this device's clock says {datetime.now(timezone.utc):%Y-}" in str(error)
    assert "sudo timedatectl set-time" in error.remedy
    assert "tls.ca" not in error.remedy
    assert isinstance(error, ConnectError)
    assert error.temporary  # a time server may set the clock at any moment


def test_an_authority_that_is_not_valid_yet_asks_for_the_clock_too(tmp_path: Path) -> None:
    early = TestAuthority(tmp_path / "early", begins=2)
    error = fault_of(tmp_path, early.issue("server", begins=2), early.file)
    assert "sudo timedatectl set-time" in error.remedy


def test_an_expired_certificate_asks_for_renewal(authority: TestAuthority, tmp_path: Path) -> None:
    error = fault_of(tmp_path, authority.issue("late", ends=-2), authority.file)
    assert re.search(r"expired on \d{4}-\d\d-\d\d, and this device's clock says", str(error))
    assert "sudo edge-agent fleet renew --broker" in error.remedy


def test_an_authority_that_was_made_anew_is_told_from_an_unknown_one(authority: TestAuthority, tmp_path: Path) -> None:
    made_anew = TestAuthority(tmp_path / "again")
    error = fault_of(tmp_path, authority.issue("server"), made_anew.file)
    assert "from another authority of the same name" in str(error)
    assert "mqtt.tls.ca" in error.remedy


def test_a_device_of_the_authority_before_is_told_to_enrol(authority: TestAuthority, tmp_path: Path) -> None:
    made_anew = TestAuthority(tmp_path / "again")
    certificate, key = made_anew.issue("device")
    more = f"cafile {authority.file}\nrequire_certificate true\n"
    with running_mosquitto(tmp_path, broker_config(authority.issue("server"), more)) as mosquitto:
        files = TlsSettings(enabled=True, ca=str(authority.file), cert=str(certificate), key=str(key))
        error = fault_at(mosquitto.port, files)
    assert "this device's certificate" in str(error)
    assert "Another authority has signed it" in error.remedy


def test_an_expired_authority_is_told_from_an_expired_certificate(tmp_path: Path) -> None:
    late = TestAuthority(tmp_path / "late", ends=-2)
    error = fault_of(tmp_path, late.issue("server"), late.file)
    assert "its authority: expired" in str(error)
    assert "mqtt.tls.ca" in error.remedy


@pytest.mark.parametrize(
    ("names", "host", "shown"),
    [
        (["broker.school.lan", "10.1.2.3"], "localhost", "broker.school.lan, 10.1.2.3, not to localhost"),
        (["localhost"], "127.0.0.1", "localhost, not to 127.0.0.1"),
    ],
)
def test_a_certificate_for_another_name_says_which(
    authority: TestAuthority, tmp_path: Path, names: list[str], host: str, shown: str
) -> None:
    error = fault_of(tmp_path, authority.issue("other", names), authority.file, host=host)
    assert f"its certificate: made out to {shown}" in str(error)
    assert "mqtt.host" in error.remedy
    assert "tls.ca" not in error.remedy


def test_an_unknown_authority_and_a_self_signed_certificate_ask_for_the_authority(
    authority: TestAuthority, tmp_path: Path
) -> None:
    other = TestAuthority(tmp_path / "other", name="other-ca")
    unknown = fault_of(tmp_path, authority.issue("server"), other.file)
    assert "an authority that this device does not know" in str(unknown)
    assert "mqtt.tls.ca" in unknown.remedy
    alone = fault_of(tmp_path, authority.self_signed(), other.file)
    assert "self-signed" in str(alone)
    assert "mqtt.tls.ca" in alone.remedy


def client_fault(folder: Path, authority: TestAuthority, client: Files | None, revoked: Files | None = None) -> str:
    more = f"require_certificate true\ncafile {authority.file}\n"
    if revoked is not None:
        more += f"crlfile {authority.revocation_list(revoked[0])}\n"
    tls = TlsSettings(enabled=True, ca=str(authority.file))
    if client is not None:
        tls = TlsSettings(enabled=True, ca=str(authority.file), cert=str(client[0]), key=str(client[1]))
    with running_mosquitto(folder, broker_config(authority.issue("server"), more)) as mosquitto:
        error = fault_at(mosquitto.port, tls)
        with pytest.raises(BrokerError) as caught:
            probe_broker(settings_for(mosquitto.port, folder, host="localhost", tls=tls))
    assert str(caught.value) == str(error)
    return str(error)


def test_a_device_certificate_that_expired_asks_for_renewal(authority: TestAuthority, tmp_path: Path) -> None:
    words = client_fault(tmp_path, authority, authority.issue("device", ends=-2))
    assert "this device's certificate: certificate expired" in words
    assert "sudo edge-agent fleet renew." in words


def test_a_revoked_device_is_told_so(authority: TestAuthority, tmp_path: Path) -> None:
    device = authority.issue("device")
    words = client_fault(tmp_path, authority, device, revoked=device)
    assert "this device's certificate: certificate revoked" in words
    assert "The school has revoked it" in words


def test_a_device_of_another_school_is_told_so(authority: TestAuthority, tmp_path: Path) -> None:
    words = client_fault(tmp_path, authority, TestAuthority(tmp_path / "b", name="b").issue("device"))
    assert "this device's certificate: unknown ca" in words
    assert "Another authority has signed it" in words


def test_a_device_certificate_that_the_broker_finds_too_early_names_the_brokers_clock(
    authority: TestAuthority, tmp_path: Path
) -> None:
    words = client_fault(tmp_path, authority, authority.issue("device", begins=2))
    assert "this device's certificate:" in words
    assert "clock of the broker's machine" in words


def test_a_device_without_a_certificate_is_told_to_enrol(authority: TestAuthority, tmp_path: Path) -> None:
    words = client_fault(tmp_path, authority, None)
    assert "a device without a certificate" in words
    assert "Enrol the device" in words


def test_tls_against_a_port_without_it_names_the_port_and_the_switch(authority: TestAuthority, tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as mosquitto:
        error = fault_at(mosquitto.port, TlsSettings(enabled=True, ca=str(authority.file)))
    assert error.remedy == NO_TLS


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"", None])
def test_tls_against_another_service_names_the_port(
    answer: bytes | None, authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.mqtt.dial._STEP_S", 1.0)
    with service(answer) as port:
        error = fault_at(port, TlsSettings(enabled=True, ca=str(authority.file)))
    assert error.remedy == NO_TLS


@contextmanager
def service(answer: bytes | None) -> Iterator[int]:
    """Something that is no broker: it answers this and closes, or with ``None`` says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                held.append(line)
                continue
            with line:
                line.settimeout(5)
                line.sendall(answer)
                line.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with closing(listener):
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for line in held:
        line.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("more", ["", "require_certificate true"])
def test_plain_against_a_port_with_tls_says_so(
    authority: TestAuthority, tmp_path: Path, protocol: str, more: str
) -> None:
    config = broker_config(authority.issue("server"), f"{more}\ncafile {authority.file}")
    with running_mosquitto(tmp_path, config) as mosquitto:
        error = fault_at(mosquitto.port, TlsSettings(), protocol=protocol)
    assert "got TLS at its port" in str(error)
    assert error.remedy == USE_TLS
    assert "3.1.1" not in str(error)


def test_plain_against_another_service_is_no_answer_to_mqtt() -> None:
    with service(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        error = fault_at(port, TlsSettings())
    assert "does not answer: got the connection closed, expected an answer to MQTT 5" in str(error)


def test_a_broker_that_speaks_only_mqtt_5_asks_for_it() -> None:
    assert ConnectError(Broker("b", protocol="3.1.1"), 0x84, "no").remedy == 'Set mqtt.protocol = "5"'


def test_a_refused_connection_a_wrong_name_and_no_route_have_their_advice() -> None:
    refused = fault_at(free_port(), TlsSettings())
    assert "sudo systemctl start mosquitto" in refused.remedy
    unknown = fault_at(1883, TlsSettings(), host="no-such-broker.invalid")
    assert "mqtt.host" in unknown.remedy
    remedies = {
        errno.ECONNREFUSED: "listen on more than localhost",
        errno.EHOSTUNREACH: "whether that machine is on",
        errno.ENETUNREACH: "'ip route'",
        errno.ETIMEDOUT: "firewall",
        errno.ECONNRESET: "mqtt.tls.enabled = true",
        errno.EACCES: "firewall on this device",
        errno.EIO: "mqtt.host",
    }
    for number, words in remedies.items():
        assert words in network_fault(Broker("b"), OSError(number, os.strerror(number))).remedy
    assert "name server" in network_fault(Broker("b"), socket.gaierror(socket.EAI_AGAIN, "Temporary failure")).remedy
    assert "firewall" in network_fault(Broker("b"), TimeoutError("timed out")).remedy


def test_the_live_view_and_the_client_say_the_same_as_the_agent(authority: TestAuthority, tmp_path: Path) -> None:
    tls = TlsSettings(enabled=True, ca=str(authority.file))
    with running_mosquitto(tmp_path, broker_config(authority.issue("late", ends=-2))) as mosquitto:
        settings = MqttSettings(host="localhost", port=mosquitto.port, tls=tls)
        words = "its certificate: expired on"
        assert words in str(fault_at(mosquitto.port, tls))
        with Classroom(Broker.from_settings(settings)) as classroom, pytest.raises(BrokerError, match=words):
            classroom.poll(30.0)
        follower = Follower(settings, LiveView().apply)
        follower.start()
        wait_until(lambda: words in follower.error, what="the words in the live view")
        follower.stop()


@contextmanager
def hangs_up_after_tls(server: Files) -> Iterator[int]:
    """The number of a port where TLS is agreed on and every connection is then reset: a refusal may get lost so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)

    def serve() -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                accepted, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(accepted, server_side=True) as line:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_who_hangs_up_after_tls_was_agreed_on_is_not_said_to_have_none(
    authority: TestAuthority,
) -> None:
    certificate, key = authority.issue("device")
    with hangs_up_after_tls(authority.issue("server")) as port:
        bare = fault_at(port, TlsSettings(enabled=True, ca=str(authority.file)))
        known = fault_at(port, TlsSettings(enabled=True, ca=str(authority.file), cert=str(certificate), key=str(key)))
    for error in (bare, known):
        assert "tls.enabled" not in error.remedy
        assert "the broker's log" in error.remedy
    assert "may want a certificate" in bare.remedy
    assert "may have refused this device's certificate" in known.remedy


def test_an_unknown_fault_of_tls_is_not_called_one_of_the_authority() -> None:
    error = ssl.SSLError(1, "[SSL: SOMETHING_NEW] something new")
    assert "tls.ca" not in str(tls_fault(Broker("b"), error))
