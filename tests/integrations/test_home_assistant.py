"""Blueprints and dashboard in a real Home Assistant, beside a plain subscriber."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_agent import DECLARED, agent
from tests.integrations.classroom import SCENE, Classroom
from tests.integrations.home_assistant import HomeAssistant, running_home_assistant
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until

NAME = "north_pi_3a"
FACES, EXPRESSION, PRESENCE = f"sensor.{NAME}_faces", f"sensor.{NAME}_expression", f"binary_sensor.{NAME}_presence"
PROBLEM, MUTE = f"binary_sensor.{NAME}_problem", f"switch.{NAME}_mute"
FOUND = "[home_assistant]\nenabled = true\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="module")
def home(broker: Mosquitto) -> Iterator[HomeAssistant]:
    """Lessons are switched by hand, and a notification waits a second."""
    replacements = {
        "schedule.lessons": "input_boolean.lessons",
        f"        - {PROBLEM}": f"        - {PROBLEM}\n      lasting: {{seconds: 1}}",
    }
    more = "input_boolean:\n  lessons:\n    initial: true\n"
    with running_home_assistant(replacements, more) as running:
        running.add_broker(broker.port)
        yield running


@pytest.fixture
def classroom(home: HomeAssistant, broker: Mosquitto, tmp_path: Path) -> Iterator[Classroom]:
    home.call("input_boolean.turn_on", entity_id="input_boolean.lessons")
    with Subscriber(broker.port, ("classroom/#",)) as subscriber, agent(broker, tmp_path, SCENE + FOUND):
        wait_until(lambda: home.state(MUTE) in ("on", "off"), 60, "the device in Home Assistant")
        home.call("switch.turn_off", entity_id=MUTE)
        wait_until(lambda: home.state(FACES).isdecimal(), 90, "figures in Home Assistant")
        yield Classroom(subscriber)


def shown(home: HomeAssistant, entity: str, since: datetime) -> dict[int, str]:
    """Every state that Home Assistant has recorded with figures, by the number of the window it is of."""
    start = since.isoformat().replace("+", "%2B")
    (states,) = home.ask("GET", f"/api/history/period/{start}?filter_entity_id={entity}") or [[]]
    return {state["attributes"]["seq"]: state["state"] for state in states if "seq" in state["attributes"]}


def notifications(home: HomeAssistant) -> set[tuple[str, str]]:
    return {(note["title"], note["message"]) for note in home.command(type="persistent_notification/get")}


def test_what_home_assistant_records_is_what_a_subscriber_saw(home: HomeAssistant, classroom: Classroom) -> None:
    began = datetime.now(timezone.utc)
    wait_until(lambda: len(shown(home, EXPRESSION, began)) >= 2, 90, "changes of the dominant expression")
    summaries = {summary["seq"]: summary for summary in classroom.said("summary")}
    faces, words = shown(home, FACES, began), shown(home, EXPRESSION, began)
    assert faces == {seq: str(summaries[seq]["faces"]) for seq in faces}
    for seq, word in words.items():
        shares = summaries[seq]["shares"]
        assert shares[word] == max(shares.values())
    assert home.state(PRESENCE) == "on"


def test_the_dashboard_is_loaded_and_every_entity_of_it_is_there(home: HomeAssistant, classroom: Classroom) -> None:
    dashboard = home.command(type="lovelace/config", url_path="class-room")
    cards = dashboard["views"][0]["cards"]
    table = [line for line in home.render(cards[0]["content"]).splitlines() if line]
    state = (
        "well" if not classroom.said("health")[-1]["problems"] else ", ".join(classroom.said("health")[-1]["problems"])
    )
    assert table == ["| Device | Room | State |", "|---|---|---|", f"| north pi-3a |  | {state} |"]
    named = set(re.findall(r"(?:sensor|binary_sensor|switch)\.\w+", json.dumps(cards[1:])))
    assert named == {FACES, EXPRESSION, PRESENCE, PROBLEM, MUTE, f"sensor.{NAME}_temperature"}
    assert not {entity for entity in named if not home.state(entity)}
    home.render(cards[-1]["card"]["content"])


def test_the_timetable_of_the_trial_is_on_in_lessons(home: HomeAssistant) -> None:
    now = datetime.now(timezone.utc)
    minutes = now.hour * 60 + now.minute
    lesson = now.weekday() < 5 and (480 <= minutes < 720 or 810 <= minutes < 960)
    assert home.state("schedule.lessons") == ("on" if lesson else "off")


def test_cameras_follow_the_timetable(home: HomeAssistant, classroom: Classroom) -> None:
    def camera_is(state: str) -> None:
        wait_until(lambda: classroom.said("health")[-1]["muted"] is (state == "closed"), what=f"the camera {state}")
        wait_until(lambda: home.state(MUTE) == ("on" if state == "closed" else "off"), what="the switch")

    home.call("input_boolean.turn_off", entity_id="input_boolean.lessons")
    camera_is("closed")
    request = classroom.said("desired")[-1]
    assert (request["muted"], sorted(request)) == (True, ["issued_at", "muted", "v"])
    wait_until(lambda: home.state(FACES) == "unavailable", what="figures that are gone")

    home.call("switch.turn_off", entity_id=MUTE)  # by hand, which the timetable lets be
    camera_is("open")

    home.call("input_boolean.turn_on", entity_id="input_boolean.lessons")
    home.call("input_boolean.turn_off", entity_id="input_boolean.lessons")
    camera_is("closed")
    home.call("input_boolean.turn_on", entity_id="input_boolean.lessons")
    camera_is("open")


def test_a_device_that_was_away_when_the_lesson_ended_is_muted_when_it_comes_back(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path
) -> None:
    home.call("input_boolean.turn_on", entity_id="input_boolean.lessons")
    with agent(broker, tmp_path, SCENE + FOUND):
        wait_until(lambda: home.state(MUTE) in ("on", "off"), 60, "the device")
        home.call("switch.turn_off", entity_id=MUTE)
        wait_until(lambda: home.state(MUTE) == "off", what="the open camera")
    wait_until(lambda: home.state(MUTE) == "unavailable", what="the death")
    home.call("input_boolean.turn_off", entity_id="input_boolean.lessons")
    with agent(broker, tmp_path, SCENE + FOUND):
        wait_until(lambda: home.state(MUTE) == "on", 60, "the closed camera")


def test_a_problem_and_a_death_are_reported(home: HomeAssistant, broker: Mosquitto, tmp_path: Path) -> None:
    camera = f'[camera]\nsource = "v4l2"\npath = "/dev/video97"\n[outbox]\npath = "{tmp_path}/outbox.db"\n'
    home.call("input_boolean.turn_on", entity_id="input_boolean.lessons")
    with agent(broker, tmp_path, camera + DECLARED + FOUND):
        wait_until(lambda: home.state(MUTE) in ("on", "off"), 60, "the device")
        home.call("switch.turn_off", entity_id=MUTE)
        problem = ("north pi-3a: problem", "camera_failed")
        wait_until(lambda: problem in notifications(home), 60, "the problem")
    gone: Any = ("north pi-3a: not there", "It has left, or nothing comes from it.")
    wait_until(lambda: gone in notifications(home), 60, "the death")


def test_home_assistant_finds_nothing_wrong_with_the_files(home: HomeAssistant) -> None:
    assert home.ask("POST", "/api/config/core/check_config")["result"] == "valid"
    about = [line for line in home.log().splitlines() if re.search("automation|blueprint|lovelace|template", line)]
    assert [line for line in about if re.search("ERROR|WARNING", line)] == []
