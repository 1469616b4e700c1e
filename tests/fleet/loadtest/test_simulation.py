"""Simulated devices against a real Mosquitto."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError, InputError
from fleet.loadtest.listener import clear_retained
from fleet.loadtest.load_generator import Rates
from fleet.loadtest.local_broker import local_broker, mosquitto_path
from fleet.loadtest.simulation import Plan, run_simulation
from tests.support.broker import Subscriber, free_port, running_mosquitto

BUSY = Rates(faces=5, change_every_s=0.5, summary_every_s=0.5, health_every_s=1.0)


def plan(port: int, **changes: object) -> Plan:
    chosen = {"devices": 6, "seconds": 2.0, "processes": 2} | changes
    return Plan(mqtt=MqttSettings(host="127.0.0.1", port=port), rates=BUSY, **chosen)  # type: ignore[arg-type]


def test_every_event_is_sent_received_and_timed(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker, Subscriber(broker.port) as subscriber:
        found = run_simulation(plan(broker.port))
        assert found.sent > 50
        assert (found.received, found.lost, found.undelivered, found.repeated) == (found.sent, 0, 0, 0)
        assert 0 < found.health_received <= found.health_sent
        assert 0 < found.delivery_ms.p50 <= found.delivery_ms.p99 <= found.delivery_ms.max
        assert found.probe_ms.p50 > 0
        assert found.load.broker is None
        births = [message for message in subscriber.on("status") if b"online" in message.payload]
        assert len({message.topic for message in births}) == 6


def test_nothing_is_left_at_the_broker(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker:
        run_simulation(plan(broker.port, devices=2, seconds=1.5))
        with Subscriber(broker.port) as late:
            late.publish("classroom/v1/a/b/summary", b"end")
            assert [message.topic for message in late.messages if message.retained] == []


def test_a_broker_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(BrokerError, match="cannot be reached"):
        run_simulation(plan(free_port()))


def test_a_broker_that_accepts_too_few_is_reported_with_the_numbers(tmp_path: Path) -> None:
    with (
        running_mosquitto(tmp_path, "max_connections 4\n") as broker,
        pytest.raises(BrokerError, match=r"got [0-5], expected 6: .*max_connections"),
    ):
        run_simulation(plan(broker.port, processes=1, connect_s=5.0))


def test_a_broker_that_is_gone_at_the_end_hides_nothing_of_what_went_wrong_before(tmp_path: Path) -> None:
    said: list[str] = []
    with running_mosquitto(tmp_path) as broker:

        def progress(line: str) -> None:
            said.append(line)
            broker.stop()  # before the first device connects

        with pytest.raises(BrokerError, match="got 0, expected 1"):
            run_simulation(plan(broker.port, devices=1, processes=1, connect_s=0.5), progress)
    assert "may still be at the broker" in said[-1]


def test_a_broker_that_has_no_place_yet_is_cleaned_when_it_has_one(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path, "max_connections 1\n") as broker:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        with Subscriber(broker.port) as first:
            first.publish("classroom/v1/north/sim-0000/status", b"left", retain=True)
            leaving = threading.Timer(0.5, first.__exit__)
            leaving.start()
            clear_retained(settings, "north", ["sim-0000"])
            leaving.join()
        with Subscriber(broker.port) as late:  # it tries again until the cleaner has left
            late.publish("classroom/v1/a/b/summary", b"end")
            assert [message.topic for message in late.messages if message.retained] == []


def test_too_many_devices_a_process_are_refused() -> None:
    with pytest.raises(InputError, match="--processes"):
        run_simulation(plan(1883, devices=500, processes=1))


@pytest.mark.skipif(mosquitto_path() is None, reason="Mosquitto is not installed (Debian: apt install mosquitto)")
def test_the_command_starts_a_broker_and_reports_its_processor_time() -> None:
    options = ["--devices", "3", "--seconds", "2", "--change-every", "1", "--start-broker", "--json"]
    result = CliRunner().invoke(app, ["fleet", "simulate", *options])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert (printed["lost"], printed["devices"]) == (0, 3)
    assert printed["load"]["broker"] is not None


def test_a_broker_of_its_own_excludes_another() -> None:
    result = CliRunner().invoke(app, ["fleet", "simulate", "--start-broker", "--broker-pid", str(os.getpid())])
    assert isinstance(result.exception, InputError)


def test_a_local_broker_ends_with_its_context(tmp_path: Path) -> None:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    with local_broker(tmp_path) as broker:
        assert Path(f"/proc/{broker.pid}").exists()
    assert not Path(f"/proc/{broker.pid}").exists()


def test_a_broker_that_does_not_start_says_why(tmp_path: Path) -> None:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    with pytest.raises(BrokerError, match="no_such_option"), local_broker(tmp_path, "no_such_option 1\n"):
        pass
