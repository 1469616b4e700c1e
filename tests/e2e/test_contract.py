"""Every message of a real run is what the published schemas say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge_agent.protocol.catalogue import CHANNELS, COMMANDS, Channel
from tests.e2e.test_agent import agent
from tests.support.broker import Message, Subscriber, running_mosquitto, wait_until

SCHEMAS = Path(__file__).parents[2] / "docs" / "contract" / "schemas"
SCENE = '[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 640\nheight_px = 480\n'
BROKEN = (b'{"v":1,"id":7,"command":"ping"}', b'{"v":1,"id":"b","command":"resend"}')
OWN = "classroom/v1/north/pi-3a/"
LISTENS = ("desired", "command", "resent_command")
TRAVELLED = [channel for channel in CHANNELS if channel.sender == "device" or channel.name in LISTENS]


def topic_of(channel: Channel) -> str:
    names = {"site": "north", "device": "pi-3a", "account": "-", "program": "me"}
    return channel.topic.format(root="classroom", discovery_prefix="homeassistant", **names)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Message]]:
    """What a subscriber heard of a run in which everything was asked for, boxes included."""
    folder = tmp_path_factory.mktemp("run")
    more = SCENE + "[privacy]\nmin_group = 3\nboxes = true\n[summary]\nwindow_s = 1\n[home_assistant]\nenabled = true\n"
    with running_mosquitto(folder) as broker, Subscriber(broker.port, ("classroom/#", "homeassistant/#")) as subscriber:

        def ask_on(topic: str, command: dict[str, Any]) -> dict[str, Any]:
            before = len(subscriber.on("reply"))
            subscriber.publish(topic, json.dumps({"v": 1, "id": "a", **command}).encode())
            wait_until(lambda: len(subscriber.on("reply")) > before, what=f"the reply to {command}")
            reply: dict[str, Any] = json.loads(subscriber.on("reply")[-1].payload)
            return reply

        def ask(**command: Any) -> dict[str, Any]:
            return ask_on(OWN + "command", command)

        with agent(broker, folder, more):
            wait_until(lambda: len(subscriber.on("expression")) >= 3, 60, "three events")
            wait_until(lambda: subscriber.on("summary") and subscriber.on("health"), 60, "a summary and health")
            session = json.loads(subscriber.on("status")[0].payload)["session"]
            assert ask(command="ping")["ok"]
            assert ask(command="snapshot")["ok"]
            assert ask(command="resend", session=session, topic="expression", **{"from": 1, "to": 2})["ok"]
            wait_until(lambda: [m for m in subscriber.messages if m.properties], what="events sent again")
            for topic in ("expression", "summary"):
                wanted = {"session": session, "topic": topic, "from": 1, "to": 1, "reply_to": "-/me"}
                assert ask(command="resend", **wanted)["ok"]
                alone = f"classroom/resent/v1/-/me/north/pi-3a/{topic}"
                wait_until(lambda alone=alone: [m for m in subscriber.messages if m.topic == alone])  # type: ignore[misc]
            wanted = {"command": "resend", "session": session, "topic": "summary", "from": 1, "to": 1}
            assert ask_on("classroom/resent/v1/-/me/north/pi-3a/command", wanted)["ok"]
            assert ask(command="resend", session="0" * 16, topic="summary", **{"from": 1, "to": 9})["ok"]
            unknown = ask(command="dance")
            assert set(re.findall(r"\w+", unknown["error"].partition("one of ")[2])) == {kind.name for kind in COMMANDS}
            for broken in BROKEN:
                subscriber.publish(OWN + "command", broken)
            wait_until(lambda: len([m for m in subscriber.on("reply") if b'"ok":false' in m.payload]) == 3)
            subscriber.publish(OWN + "desired", b'{"v":1,"muted":true}', retain=True)
            wait_until(lambda: json.loads(subscriber.on("health")[-1].payload)["muted"], what="being muted")
        wait_until(lambda: b'"offline"' in subscriber.on("status")[-1].payload, what="the death")
        yield list(subscriber.messages)


@pytest.mark.parametrize("channel", TRAVELLED, ids=lambda channel: channel.name)
def test_every_message_of_a_run_is_valid_by_the_committed_schema(channel: Channel, heard: list[Message]) -> None:
    messages = [message for message in heard if message.topic == topic_of(channel)]
    schema = json.loads((SCHEMAS / f"{channel.name}.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = [m.payload for m in messages if not validator.is_valid(json.loads(m.payload))]
    assert messages, f"nothing came on {channel.name}"
    assert wrong == (list(BROKEN) if channel.name == "command" else [])


def test_nothing_is_published_outside_the_contract(heard: list[Message]) -> None:
    assert {message.topic for message in heard} <= {topic_of(channel) for channel in TRAVELLED}


def test_only_events_sent_late_or_again_carry_a_user_property(heard: list[Message]) -> None:
    marked = [message for message in heard if message.properties]
    assert marked
    assert {message.topic.rsplit("/", 1)[1] for message in marked} == {"expression", "summary"}
    assert all(message.properties == {"historical": "true"} for message in marked)
