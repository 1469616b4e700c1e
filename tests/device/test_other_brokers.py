"""Brokers with other manners: one that speaks MQTT 3.1.1 alone, and one behind TLS."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.config import TlsSettings
from edge_agent.device.messenger import Messenger
from edge_agent.device.publisher import PublisherTiming
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError
from tests.support.broker import Subscriber, running_mosquitto, wait_until
from tests.support.messaging import settings_for
from tests.support.samples import a_change

Start = Callable[..., Messenger]


@pytest.fixture
def amqtt_port() -> Iterator[int]:
    """The embedded broker of the demo."""
    pytest.importorskip("amqtt", reason="amqtt is not installed (pip install 'classroom-edge-agent[demo]')")
    from edge_agent.demo.embedded_broker import EmbeddedBroker

    with EmbeddedBroker() as broker:
        yield broker.port
    # amqtt leaves the transports of clients that went away to the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_events_pass_through_a_broker_that_speaks_3_1_1_alone(
    amqtt_port: int, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(amqtt_port, tmp_path, protocol="3.1.1"))
    with Subscriber(amqtt_port, protocol="3.1.1") as subscriber:
        for _ in range(100):
            messenger.expression(a_change())
        wait_until(lambda: len(subscriber.on("expression")) == 100, what="the events")
        messenger.stop()
        wait_until(lambda: b'"stopped"' in subscriber.on("status")[-1].payload, what="the death")


def test_an_mqtt_5_connect_that_the_broker_does_not_understand_gets_a_remedy(
    amqtt_port: int, start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start_messenger(settings_for(amqtt_port, tmp_path), timing=PublisherTiming(answer_s=0.3))
    wait_until(lambda: 'Set mqtt.protocol = "3.1.1" if the broker does not speak MQTT 5' in caplog.text)


@pytest.mark.parametrize(
    ("code", "remedy"), [(0x84, 'Set mqtt.protocol = "3.1.1"'), (0x86, "Check mqtt.username"), (0x8A, "Lift the ban")]
)
def test_every_refusal_has_its_remedy(code: int, remedy: str) -> None:
    assert remedy in str(ConnectError(Broker("b"), code, "no"))


def test_a_busy_broker_is_asked_again_like_one_that_is_away() -> None:
    assert ConnectError(Broker("b"), 0x89, "server busy").temporary


def test_events_pass_through_tls(certificates: Path, start_messenger: Start, tmp_path: Path) -> None:
    config = f"certfile {certificates}/server.crt\nkeyfile {certificates}/server.key"
    with running_mosquitto(tmp_path, config, plain_listener=True) as mosquitto:
        tls = TlsSettings(enabled=True, ca=str(certificates / "ca.crt"))
        with Subscriber(mosquitto.plain_port) as subscriber:
            messenger = start_messenger(settings_for(mosquitto.port, tmp_path, host="localhost", tls=tls))
            for _ in range(300):
                messenger.expression(a_change())
            wait_until(lambda: len(subscriber.on("expression")) == 300, what="the events")


def test_a_certificate_of_an_unknown_authority_is_refused_with_a_remedy(
    certificates: Path, start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = f"certfile {certificates}/server.crt\nkeyfile {certificates}/server.key"
    with running_mosquitto(tmp_path, config) as mosquitto:
        settings = settings_for(mosquitto.port, tmp_path, host="localhost", tls=TlsSettings(enabled=True))
        messenger = start_messenger(settings)
        wait_until(lambda: "Set mqtt.tls.ca to the authority" in caplog.text, what="the remedy")
        assert not messenger.statistics().publisher.connected


def test_a_refused_client_id_may_mean_the_keepalive_where_the_broker_has_no_words_for_it() -> None:
    old, new = (ConnectError(Broker("b", protocol=protocol), 0x85, "not valid") for protocol in ("3.1.1", "5"))
    assert "mqtt.keepalive_s" in old.remedy
    assert "mqtt.keepalive_s" not in new.remedy
