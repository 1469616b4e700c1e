"""Brokers that go away, refuse, stall or forget."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.device.messenger import Messenger
from edge_agent.device.publisher import PublisherTiming
from tests.support.broker import Message, Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.clocks import SteppedClock
from tests.support.messaging import settings_for
from tests.support.proxy import Proxy
from tests.support.samples import a_change, a_report, a_window

Start = Callable[..., Messenger]


def seqs(messages: list[Message]) -> list[int]:
    return [json.loads(message.payload)["seq"] for message in messages]


def own_lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_events_of_an_outage_arrive_in_order_when_the_broker_is_back(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        proxy.shut()
        messenger = start_messenger(settings_for(proxy.port, tmp_path))
        for _ in range(300):
            messenger.expression(a_change())
        wait_until(lambda: messenger.statistics().outbox.accepted == 300)
        proxy.reopen()
        wait_until(lambda: len(subscriber.on("expression")) >= 300, what="the events")
        assert seqs(subscriber.on("expression")) == list(range(1, 301))


def test_a_broker_that_is_killed_gets_everything_it_did_not_acknowledge(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    with Subscriber(mosquitto.port) as subscriber:
        for _ in range(50):
            messenger.expression(a_change())
        wait_until(lambda: len(subscriber.on("expression")) == 50)
        wait_until(lambda: messenger.statistics().outbox.pending == 0)
        mosquitto.kill()
        for _ in range(50):
            messenger.expression(a_change())
        wait_until(lambda: not messenger.statistics().publisher.connected)
        mosquitto.start()
        wait_until(lambda: messenger.statistics().outbox.delivered["expression"] == 100, what="delivery of the rest")
        assert messenger.statistics().publisher.connections == 2


def test_retained_topics_are_sent_again_to_a_broker_that_forgot_them(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    messenger.health(a_report())
    wait_until(lambda: messenger.statistics().publisher.connected)
    mosquitto.kill()
    mosquitto.start()
    wait_until(lambda: messenger.statistics().publisher.connections == 2)
    with Subscriber(mosquitto.port) as latecomer:
        wait_until(lambda: latecomer.on("status") and latecomer.on("health"), what="the retained messages")


WORKER = """
import sys
from pathlib import Path
from tests.support.messaging import QUICK, settings_for
from tests.support.samples import a_change
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger

messenger = Messenger(settings_for(int(sys.argv[1]), Path(sys.argv[2])), ModelIdentity(("happy",), "m"), timing=QUICK)
messenger.start()
while True:
    messenger.expression(a_change())
    print(messenger.session, messenger.statistics().outbox.accepted, flush=True)
"""


@pytest.mark.parametrize("broker_is_there", [True, False])
def test_kill_9_loses_nothing_that_was_accepted(
    broker_is_there: bool, mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("classroom/v1/+/+/expression",)) as subscriber:
        port = mosquitto.port if broker_is_there else 1
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(port), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        session, accepted = "", 0
        while accepted < 200:
            session, number = process.stdout.readline().split()
            accepted = int(number)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(IndexError, ValueError):  # the last line may be cut
            accepted = int(rest[-2].split()[1])
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(
            lambda: messenger.statistics().publisher.connected and messenger.statistics().outbox.pending == 0,
            60,
            "delivery",
        )
        wait_until(lambda: accepted in seqs(subscriber.messages), what=f"event {accepted}")
        events = [json.loads(message.payload) for message in subscriber.messages]
        numbers = [event["seq"] for event in events if event["session"] == session]
        assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
        first_times = list(dict.fromkeys(numbers))
        assert first_times == sorted(first_times)


def test_in_flight_messages_never_exceed_the_window(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Proxy(mosquitto.port) as proxy:
        messenger = start_messenger(settings_for(proxy.port, tmp_path, max_in_flight=4))
        for _ in range(200):
            messenger.expression(a_change())
        wait_until(lambda: messenger.statistics().outbox.delivered["expression"] >= 50)
        proxy.cut()
        for _ in range(100):
            messenger.expression(a_change())
            messenger.health(a_report())
        wait_until(
            lambda: messenger.statistics().outbox.pending == 0 and messenger.statistics().outbox.accepted == 300,
            what="delivery",
        )
        assert proxy.connections == 2
        assert 2 <= proxy.max_in_flight_seen <= 4


def test_the_brokers_receive_maximum_is_honoured(start_messenger: Start, tmp_path: Path) -> None:
    with running_mosquitto(tmp_path, "max_inflight_messages 3") as mosquitto, Proxy(mosquitto.port) as proxy:
        messenger = start_messenger(settings_for(proxy.port, tmp_path, max_in_flight=50))
        for _ in range(200):
            messenger.expression(a_change())
        wait_until(
            lambda: messenger.statistics().outbox.pending == 0 and messenger.statistics().outbox.accepted == 200,
            what="delivery",
        )
        assert proxy.max_in_flight_seen <= 3
        assert proxy.connections == 1


def test_a_line_that_goes_dead_without_closing_is_given_up(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    timing = PublisherTiming(retry_base_s=0.1, retry_cap_s=0.1, status_wait_s=0.1, silence_s=0.4)
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(proxy.port, tmp_path), timing=timing)
        wait_until(lambda: messenger.statistics().publisher.connected)
        proxy.freeze()
        for _ in range(30):
            messenger.expression(a_change())
        wait_until(lambda: not messenger.statistics().publisher.connected, what="giving up")
        proxy.thaw()
        wait_until(lambda: len(set(seqs(subscriber.on("expression")))) == 30, what="the events")


def test_events_sent_late_are_marked_and_those_sent_at_once_are_not(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    clock = SteppedClock()
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        proxy.shut()
        messenger = start_messenger(settings_for(proxy.port, tmp_path, late_after_s=60.0), clock=clock)
        messenger.expression(a_change())
        wait_until(lambda: messenger.statistics().outbox.accepted == 1)
        clock.advance(61.0)
        clock.step_wall_to(0.0)  # setting the clock makes nothing late
        messenger.summary(a_window())
        proxy.reopen()
        wait_until(lambda: subscriber.on("expression") and subscriber.on("summary"), what="the events")
        assert subscriber.on("expression")[0].properties == {"historical": "true"}
        assert subscriber.on("summary")[0].properties == {}


def test_an_outage_is_logged_once_at_each_end(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    wait_until(lambda: messenger.statistics().publisher.connected)
    mosquitto.stop()
    wait_until(lambda: not messenger.statistics().publisher.connected)
    for _ in range(7):
        messenger.expression(a_change())
    wait_until(lambda: messenger.statistics().outbox.accepted == 7)
    wait_until(lambda: own_lines(caplog, logging.WARNING), what="the first line")
    mosquitto.start()
    wait_until(lambda: "after an outage of" in caplog.text, what="the last line")
    assert len(own_lines(caplog, logging.WARNING)) == 1
    assert f"connection to broker 127.0.0.1:{mosquitto.port} lost" in own_lines(caplog, logging.WARNING)[0]
    ends = [line for line in own_lines(caplog, logging.INFO) if "after an outage of" in line]
    assert len(ends) == 1
    assert "7 events waiting" in ends[0]


def test_a_wrong_password_is_logged_once_with_its_remedy_and_the_right_one_found_later(
    start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    write_password(passwords, "another one")
    (tmp_path / "secret").write_text("right\n")
    with running_mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as mosquitto:
        settings = settings_for(mosquitto.port, tmp_path, username="pi", password_file=str(tmp_path / "secret"))
        messenger = start_messenger(settings)
        messenger.expression(a_change())
        wait_until(
            lambda: (mosquitto.folder / "mosquitto.log").read_text().count("not authorised") >= 3, what="retries"
        )
        (line,) = own_lines(caplog, logging.ERROR)
        assert "refuses the connection: got not authorized" in line
        assert "Check mqtt.username and the password in mqtt.password_file" in line
        assert not messenger.statistics().publisher.connected
        write_password(passwords, "right")
        mosquitto.reload()
        wait_until(
            lambda: messenger.statistics().outbox.pending == 0 and messenger.statistics().publisher.connected,
            what="delivery",
        )


def test_an_event_the_broker_denies_is_not_delivered_and_does_not_hold_up_others(
    start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules"
    others = "topic readwrite classroom/v1/north/pi-3a/{}\n"
    rules.write_text("".join(others.format(name) for name in ("status", "summary", "health", "command", "desired")))
    with running_mosquitto(tmp_path, f"acl_file {rules}") as mosquitto, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        for _ in range(30):
            messenger.expression(a_change())
            messenger.summary(a_window())
        wait_until(lambda: messenger.statistics().outbox.delivered["summary"] == 30, what="the summaries")
        statistics = messenger.statistics()
        assert (statistics.outbox.delivered["expression"], statistics.outbox.pending) == (0, 30)
        assert statistics.publisher.denied == ("classroom/v1/north/pi-3a/expression",)
        (line,) = own_lines(caplog, logging.ERROR)
        assert "refuses messages on classroom/v1/north/pi-3a/expression (not authorized)" in line.lower()
        rules.write_text("topic readwrite #\n")
        mosquitto.reload()
        wait_until(lambda: len(subscriber.on("expression")) == 30, what="the events")
        assert sorted(seqs(subscriber.on("expression"))) == list(range(1, 31))
        wait_until(lambda: messenger.statistics().outbox.pending == 0, what="acknowledgement")
        assert messenger.statistics().publisher.denied == ()


def test_a_death_is_announced_by_the_broker_when_the_line_is_cut(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    slow = PublisherTiming(retry_base_s=60.0, retry_cap_s=60.0, status_wait_s=0.1)
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(proxy.port, tmp_path), timing=slow)
        wait_until(lambda: subscriber.on("status"))
        proxy.cut()
        wait_until(lambda: len(subscriber.on("status")) == 2, what="the will")
        death = json.loads(subscriber.on("status")[1].payload)
        expected = {"v": 1, "state": "offline", "session": messenger.session, "reason": "connection_lost"}
        assert death == expected


def test_a_short_break_is_no_death_under_mqtt_5(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(proxy.port, tmp_path, will_delay_s=30))
        wait_until(lambda: subscriber.on("status"))
        proxy.cut()
        wait_until(lambda: messenger.statistics().publisher.connections == 2)
        messenger.expression(a_change())
        wait_until(lambda: subscriber.on("expression"))
        assert [json.loads(message.payload)["state"] for message in subscriber.on("status")] == ["online", "online"]


def test_a_command_sent_during_a_short_break_is_carried_out_after_it(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Proxy(mosquitto.port) as proxy, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(proxy.port, tmp_path))
        wait_until(lambda: messenger.statistics().publisher.connected)
        proxy.shut()
        wait_until(lambda: not messenger.statistics().publisher.connected)
        subscriber.publish(messenger.topics.of("command"), b'{"v":1,"id":"a","command":"ping"}')
        proxy.reopen()
        wait_until(lambda: subscriber.on("reply"), what="the reply")


def write_password(file: Path, password: str) -> None:
    file.unlink(missing_ok=True)
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "pi", password], check=True, capture_output=True)
