"""An operator's commands from the page to a real broker, and exports: each is in the log, before it happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dashboard.operator import Operator
from dashboard.settings import BrokerSettings, OperatorSettings
from edge_agent.client import DeviceState, StateChanged
from edge_agent.protocol.messages import Desired, decode
from tests.dashboard.access.conftest import OTHER, OWN, School
from tests.dashboard.messages import arrived, birth
from tests.support.broker import Mosquitto, Subscriber, mosquitto_path, wait_until

TOPIC = f"classroom/v1/{OWN.site}/{OWN.id}/desired"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def operated(school: School, broker: Mosquitto) -> School:
    """A page with an account for commands at that broker."""
    site = school.page.site
    account = OperatorSettings(username="page-operator")
    settings = replace(site.settings, broker=BrokerSettings(port=broker.port), operator_broker=account)
    site.settings = settings
    site.__dict__["operator"] = Operator(settings)
    return school


def commands(school: School) -> list[tuple[str, str]]:
    return [(entry.who, entry.detail) for entry in reversed(school.log("command"))]


def test_closing_and_opening_a_camera(operated: School, broker: Mosquitto) -> None:
    otto = operated.browser("otto")
    with Subscriber(broker.port) as listener:
        for act, muted in (("mute", True), ("unmute", False)):
            answer = otto.post(f"/room/{OWN.site}/{OWN.id}/{act}", page="/operate")
            assert answer.status == 303, answer.text
            assert "has been asked" in otto.get(answer.location).text
            wait_until(lambda: any(message.topic == TOPIC for message in listener.messages), what="the request")
            [message] = [message for message in listener.messages if message.topic == TOPIC]
            assert decode(message.payload, Desired).muted is muted
            listener.messages.clear()
    assert commands(operated) == [("otto", "mute"), ("otto", "unmute")]


def test_a_device_that_is_gone_is_removed_after_a_question(operated: School, broker: Mosquitto) -> None:
    school, otto, path = operated.page.site.school, operated.browser("otto"), f"/room/{OWN.site}/{OWN.id}/remove"
    school.apply(StateChanged(OWN, DeviceState.ONLINE, ""), 0.0)
    assert path not in otto.get("/operate").text
    assert otto.post(path, page="/operate").status == 409, "it is online"
    school.apply(StateChanged(OWN, DeviceState.OFFLINE, "connection_lost"), 0.0)
    topics = [f"classroom/v1/{OWN.site}/{OWN.id}/{name}" for name in ("status", "health", "desired")]
    with Subscriber(broker.port) as listener:
        for topic in topics:
            listener.publish(topic, b"{}", retain=True)
        assert path in otto.get("/operate").text
        asked = otto.post(path, page="/operate")
        assert (asked.status, commands(operated)) == (200, [])
        assert "Remove this device?" in asked.text
        answer = otto.post(path, {"confirmed": "yes"}, page="/operate")
        assert answer.status == 303, answer.text
        wait_until(
            lambda: sum(not message.payload for message in listener.messages) == 2, what="what the broker forgets"
        )
    with Subscriber(broker.port) as late:
        wait_until(lambda: bool(late.messages), what="what is kept")
        assert {message.topic for message in late.messages} == {topics[2]}, "a request to close the camera stays"
    after = otto.get(answer.location).text
    assert "It comes back if it is heard of again" in after
    assert path not in after, "the list has it no longer"
    school.tick(1.0)
    assert OWN not in school.rooms
    assert commands(operated) == [("otto", "remove")]


def test_closing_all_cameras_asks_every_device(operated: School, broker: Mosquitto) -> None:
    with Subscriber(broker.port) as listener:
        assert operated.browser("otto").post("/operate/mute-all", page="/operate").status == 303
        wait_until(lambda: len({m.topic for m in listener.messages if m.topic.endswith("desired")}) == 16)


def test_a_device_that_says_nothing(operated: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.operator._ANSWER_S", 0.5)
    answer = operated.browser("otto").post(f"/room/{OWN.site}/{OWN.id}/snapshot", page="/operate")
    assert "did not answer" in answer.text


def test_no_snapshot_is_offered_of_a_device_that_publishes_only_groups(operated: School) -> None:
    school, otto = operated.page.site.school, operated.browser("otto")
    said, asks = "tells nothing about single faces", f"/room/{OWN.site}/{OWN.id}/snapshot"
    for level, offered in (("faces", True), ("summary", False)):
        school.apply(arrived(birth(privacy_level=level), OWN), 0.0)
        text = otto.get("/operate").text
        assert (asks in text, said in text) == (offered, not offered)


def test_a_broker_that_is_gone_is_said_and_noted(operated: School, broker: Mosquitto) -> None:
    broker.stop()
    answer = operated.browser("otto").post(f"/room/{OWN.site}/{OWN.id}/mute", page="/operate")
    assert answer.status == 502
    assert "This did not work" in answer.text
    assert [detail.split(":")[0] for _, detail in commands(operated)] == ["mute", "mute failed"]


@pytest.mark.parametrize("name", ["anna", "dora"])
def test_nobody_else_commands(operated: School, name: str) -> None:
    browser = operated.browser(name)
    for act in ("mute", "unmute", "snapshot", "remove"):
        for device in (OWN, OTHER):
            assert browser.post(f"/room/{device.site}/{device.id}/{act}").status in (403, 404)
    assert browser.post("/operate/mute-all").status == 403
    assert browser.get("/operate").status == 403
    assert commands(operated) == []


def test_without_an_account_for_it_nothing_can_be_asked(school: School) -> None:
    otto = school.browser("otto")
    assert "no account at the broker" in otto.get("/operate").text
    assert otto.post(f"/room/{OWN.site}/{OWN.id}/mute", page="/operate").status == 404


def fill(school: School) -> None:
    with school.history.engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        connection.commit()


def test_a_command_that_cannot_be_noted_is_not_sent(operated: School, broker: Mosquitto) -> None:
    otto = operated.browser("otto")
    token = otto.get("/operate").form_token
    fill(operated)
    with Subscriber(broker.port) as listener:
        assert otto.send(f"/room/{OWN.site}/{OWN.id}/mute", {"form_token": token}).status == 503
    assert not [message for message in listener.messages if message.topic == TOPIC]


def test_an_export_is_noted_and_one_that_cannot_be_is_not_made(school: School) -> None:
    anna = school.browser("anna")
    path = f"/room/{OWN.site}/{OWN.id}/export/shares.csv?start=2026-11-29T08:00&end=2026-11-29T09:00"
    answer = anna.get(path)
    assert [(entry.who, entry.device) for entry in school.log("export")] == [("anna", OWN)]
    assert anna.get(path.replace(OWN.id, OTHER.id)).status == 404
    fill(school)
    assert anna.get(path).status == 503
    assert answer.status in (200, 404)
