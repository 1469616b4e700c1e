"""Subscribers that share the devices' events, at a real Mosquitto."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge_agent.client import Arrived, Broker, BrokerChanged, Classroom, Lost, Missing, Notice, Patience, Summary
from edge_agent.config import DeviceSettings, MqttSettings, Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.errors import InputError
from edge_agent.types import WindowSummary
from tests.support.broker import running_mosquitto, wait_until

EVENTS = 60
EAGER = Patience(grace_s=0.01, retry_s=0.05, retry_cap_s=0.1)


def messages(notices: list[Notice], kind: str) -> list[object]:
    return [n.message for n in notices if isinstance(n, Arrived) and type(n.message).__name__ == kind]


def test_members_of_a_group_divide_events_and_miss_nothing_together(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker:
        address = Broker(broker.host, broker.port)
        group = [Classroom(address, share="archive", client_id=f"archive-{n}", patience=EAGER) for n in range(2)]
        settings = Settings(
            device=DeviceSettings(site="north", id="a"), mqtt=MqttSettings(host=broker.host, port=broker.port)
        )
        messenger = Messenger(settings, ModelIdentity(("happy",), "0" * 12))
        heard: list[list[Notice]] = [[], []]

        def poll() -> None:
            for member, notices in zip(group, heard, strict=True):
                notices.extend(member.poll(0.05))

        def all_came() -> bool:
            poll()
            return sum(len(messages(notices, "Summary")) for notices in heard) >= EVENTS

        def both_joined() -> bool:
            poll()
            return all(any(isinstance(n, BrokerChanged) for n in notices) for notices in heard)

        with group[0], group[1]:
            wait_until(both_joined, what="both connections")
            messenger.start()
            try:
                for _ in range(EVENTS):
                    messenger.summary(WindowSummary(time.monotonic(), 5.0, 5, {"happy": 1.0}, suppressed=False))
                wait_until(all_came, what="all summaries")
                # Long past the patience of a subscriber that thinks it should see everything.
                until = time.monotonic() + 0.5
                while time.monotonic() < until:
                    poll()
            finally:
                messenger.stop()
        shares = [[m.seq for m in messages(notices, "Summary") if isinstance(m, Summary)] for notices in heard]
        assert sorted(shares[0] + shares[1]) == list(range(1, EVENTS + 1))
        assert all(shares)
        assert all(messages(notices, "Status") for notices in heard)
        assert not [n for notices in heard for n in notices if isinstance(n, (Missing, Lost))]


@pytest.mark.parametrize("share", ["a/b", "+", "#"])
def test_a_name_that_mqtt_does_not_allow_is_refused(share: str) -> None:
    with pytest.raises(InputError, match="without /"):
        Classroom(Broker("localhost"), share=share)


def test_a_broker_of_mqtt_3_knows_no_groups() -> None:
    with pytest.raises(InputError, match="MQTT 5"):
        Classroom(Broker("localhost", protocol="3.1.1"), share="archive")


def test_a_member_of_a_group_cannot_catch_up() -> None:
    with pytest.raises(InputError, match="catch_up"):
        Classroom(Broker("localhost"), share="archive", catch_up=True)
