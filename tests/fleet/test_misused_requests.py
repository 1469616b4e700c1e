"""Certificates that the school did make, used for what they were not made for, at a real Mosquitto."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge_agent.config import TlsSettings
from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection, Will
from edge_agent.mqtt.endpoint import Broker, tls_context
from edge_agent.mqtt.events import Received
from edge_agent.protocol.topics import Topics
from fleet.register import utc_now
from tests.fleet.conftest import SchoolUnderTest
from tests.fleet.test_access import connected, publishes, with_account
from tests.support.broker import wait_until


def shown(school: SchoolUnderTest, cert: Path, key: Path) -> Broker:
    """The broker, reached with any certificate."""
    tls = TlsSettings(enabled=True, ca=str(school.broker.files / "ca.crt"), cert=str(cert), key=str(key))
    return Broker("localhost", school.broker.port, tls=tls_context(tls))


def test_a_certificate_that_has_ended_is_refused(school: SchoolUnderTest, tmp_path: Path) -> None:
    school.device("a")
    cert, key, private = tmp_path / "old.crt", tmp_path / "old.key", new_key()
    issue = school.fleet().authority.issue
    for ended, days in ((False, 1), (True, -1)):
        now = utc_now() - timedelta(days=3)
        made = issue(
            school.entry("a").identity, private.public_key(), "client", now=now, valid=timedelta(days=3 + days)
        )
        cert.write_bytes(certificate_pem(made))
        key.write_bytes(key_pem(private))
        if ended:
            with pytest.raises(BrokerError):
                Connection(shown(school, cert, key), "x")
        else:
            Connection(shown(school, cert, key), "x").close()


def test_the_brokers_own_certificate_opens_no_door(school: SchoolUnderTest) -> None:
    with pytest.raises(BrokerError):
        Connection(shown(school, school.broker.files / "server.crt", school.broker.files / "server.key"), "x")


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho, on a failed handshake
def test_a_device_cannot_play_the_broker_to_another(school: SchoolUnderTest) -> None:
    liar, other = school.device("a"), school.device("b")
    with listening_as(liar.settings.mqtt.tls) as port, pytest.raises(BrokerError, match="certificate"):
        Connection(replace(other.broker(), port=port), "x")


def test_a_devices_last_will_reaches_its_own_topics_alone(school: SchoolUnderTest) -> None:
    device, own, foreign = school.device("a"), Topics("classroom", "school", "a"), Topics("classroom", "school", "b")
    with connected(with_account(school, "dashboard"), "watching") as dashboard:
        dashboard.subscribe([own.of("status"), foreign.of("status")])
        heard: list[str] = []
        for topic in (foreign.of("status"), own.of("status")):
            # The broker takes the second of two connections under one name for the end of the first.
            left = Connection(device.broker(), "x", will=Will(topic, b"left behind"))
            with connected(device.broker(), "x") as taking_over:
                assert publishes(taking_over, own.of("health"))
            left.close()

        def came() -> bool:
            heard.extend(
                signal.topic
                for signal in dashboard.poll(0.1)
                if isinstance(signal, Received) and signal.payload == b"left behind"
            )
            return bool(heard)

        wait_until(came, what="the will that is allowed")
        assert heard == [own.of("status")]


@contextlib.contextmanager
def listening_as(tls: TlsSettings) -> Iterator[int]:
    """A server with a client's certificate; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.cert, tls.key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line, contextlib.suppress(OSError), context.wrap_socket(line, server_side=True):
                        pass

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
