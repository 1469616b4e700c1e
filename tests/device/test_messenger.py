"""Messaging against a real broker, seen by a subscriber that knows nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.config import PrivacySettings
from edge_agent.device.messenger import IncomingHandlers, Messenger
from edge_agent.protocol.messages import Desired
from tests.support.broker import Message, Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.clocks import SteppedClock
from tests.support.messaging import settings_for
from tests.support.samples import a_change, a_report, a_window

Start = Callable[..., Messenger]


def seqs(messages: list[Message]) -> list[int]:
    return [json.loads(message.payload)["seq"] for message in messages]


def last_status(subscriber: Subscriber) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(subscriber.on("status")[-1].payload)
    return status


def is_online(subscriber: Subscriber) -> bool:
    return bool(subscriber.on("status")) and last_status(subscriber)["state"] == "online"


def test_events_reach_an_independent_subscriber(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        for _ in range(3):
            messenger.expression(a_change())
        messenger.summary(a_window())
        wait_until(lambda: len(subscriber.on("expression")) == 3 and subscriber.on("summary"), what="the events")
        event = json.loads(subscriber.on("expression")[0].payload)
        assert subscriber.on("expression")[0].topic == "classroom/v1/north/pi-3a/expression"
        assert event["event_id"] == f"pi-3a/{messenger.session}/expression/1"
        assert (event["expression"], event["confidence"]) == ("happy", 0.83)
        assert seqs(subscriber.on("expression")) == [1, 2, 3]
        wait_until(lambda: messenger.statistics().outbox.pending == 0, what="acknowledgement")
        assert messenger.statistics().outbox.delivered == {"expression": 3, "summary": 1}


def test_birth_and_health_are_retained_and_the_birth_comes_before_everything(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port) as witness:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.health(a_report())
        messenger.expression(a_change())
        wait_until(lambda: witness.on("expression") and witness.on("health"), what="the messages")
        assert witness.messages[0].topic.endswith("/status")
    with Subscriber(mosquitto.port) as latecomer:
        wait_until(lambda: latecomer.on("status") and latecomer.on("health"), what="the retained messages")
        assert all(message.retained for message in latecomer.messages)
        birth = last_status(latecomer)
        assert (birth["state"], birth["session"], birth["room"]) == ("online", messenger.session, "2b")


def test_a_stop_sends_what_waits_and_then_the_death(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: messenger.statistics().publisher.connected)
        for _ in range(100):
            messenger.expression(a_change())
        messenger.stop()
        wait_until(lambda: subscriber.on("status") and not is_online(subscriber), what="the death")
        death = last_status(subscriber)
        assert (death["reason"], death["session"]) == ("stopped", messenger.session)
        assert seqs(subscriber.on("expression")) == list(range(1, 101))


def test_a_stop_without_a_broker_is_quick_and_keeps_the_events(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    mosquitto.stop()
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    messenger.expression(a_change())
    messenger.stop()
    mosquitto.start()
    with Subscriber(mosquitto.port) as subscriber:
        later = start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: subscriber.on("expression"), what="the event of the earlier run")
        assert json.loads(subscriber.on("expression")[0].payload)["session"] == messenger.session < later.session


def test_at_the_summary_level_no_face_is_published_not_even_one_stored_before(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    faces = settings_for(mosquitto.port, tmp_path)
    mosquitto.stop()
    messenger = start_messenger(faces)
    messenger.expression(a_change())
    messenger.stop()
    mosquitto.start()
    with Subscriber(mosquitto.port) as subscriber:
        quiet = msgspec.structs.replace(faces, privacy=PrivacySettings(level="summary"))
        messenger = start_messenger(quiet)
        messenger.expression(a_change())
        messenger.summary(a_window())
        wait_until(lambda: subscriber.on("summary"), what="the summary")
        messenger.stop()
        assert subscriber.on("expression") == []


def test_commands_are_answered(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(
            settings_for(mosquitto.port, tmp_path),
            handlers=IncomingHandlers({"snapshot": lambda _command: {"tracks": ["k7q2"]}}),
        )
        wait_until(lambda: is_online(subscriber))
        subscriber.publish(messenger.topics.of("command"), b'{"v":1,"id":"a","command":"snapshot"}')
        subscriber.publish(messenger.topics.of("command"), b"nonsense")
        wait_until(lambda: len(subscriber.on("reply")) == 2, what="the replies")
        replies = [json.loads(message.payload) for message in subscriber.on("reply")]
        assert (replies[0]["id"], replies[0]["ok"], replies[0]["result"]) == ("a", True, {"tracks": ["k7q2"]})
        assert not replies[1]["ok"]


def test_delivered_events_are_sent_again_on_request_marked_historical(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        for _ in range(5):
            messenger.expression(a_change())
        wait_until(lambda: len(subscriber.on("expression")) == 5)
        request = {"v": 1, "id": "r", "command": "resend", "session": messenger.session, "topic": "expression"}
        subscriber.publish(messenger.topics.of("command"), json.dumps(request | {"from": 2, "to": 9}).encode())
        wait_until(lambda: len(subscriber.on("expression")) == 9 and subscriber.on("reply"), what="the events again")
        first, again = subscriber.on("expression")[:5], subscriber.on("expression")[5:]
        assert [message.payload for message in again] == [message.payload for message in first[1:]]
        assert [message.properties for message in again] == [{"historical": "true"}] * 4
        assert [message.properties for message in first] == [{}] * 5
        assert json.loads(subscriber.on("reply")[0].payload)["result"] == {"count": 4, "missing": [[6, 9]]}


def ask_again(subscriber: Subscriber, messenger: Messenger, **more: Any) -> None:
    request = {"v": 1, "id": "r", "command": "resend", "session": messenger.session, "topic": "expression", **more}
    subscriber.publish(messenger.topics.of("command"), json.dumps(request).encode())


def test_events_asked_for_by_one_program_are_sent_again_to_it_alone(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    alone = "classroom/resent/v1/operator/wall/north/pi-3a/expression"
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        for _ in range(5):
            messenger.expression(a_change())
        wait_until(lambda: len(subscriber.on("expression")) == 5)
        ask_again(subscriber, messenger, reply_to="operator/wall", **{"from": 2, "to": 9})
        wait_until(lambda: len(subscriber.on("expression")) == 9 and subscriber.on("reply"), what="the events again")
        first, again = subscriber.on("expression")[:5], subscriber.on("expression")[5:]
        assert {message.topic for message in again} == {alone}
        assert [message.payload for message in again] == [message.payload for message in first[1:]]
        assert [message.properties for message in again] == [{"historical": "true"}] * 4
        assert json.loads(subscriber.on("reply")[0].payload)["result"] == {"count": 4, "missing": [[6, 9]]}


def test_a_broker_that_refuses_events_for_one_program_neither_holds_up_nor_worries_the_device(
    start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite classroom/v1/#\n")
    with running_mosquitto(tmp_path, f"acl_file {rules}") as mosquitto, Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.expression(a_change())
        wait_until(lambda: subscriber.on("expression"))
        ask_again(subscriber, messenger, reply_to="operator/wall", **{"from": 1, "to": 1})
        wait_until(lambda: "will ask for them on the device's own topics" in caplog.text, what="the refusal")
        messenger.expression(a_change())
        wait_until(lambda: len(subscriber.on("expression")) == 2, what="the next event")
        statistics = messenger.statistics()
        assert (statistics.publisher.denied, statistics.problems()) == ((), ())


def test_what_the_device_should_be_is_heard_at_every_start(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    heard: list[Desired] = []
    with Subscriber(mosquitto.port) as subscriber:
        subscriber.publish("classroom/v1/north/pi-3a/desired", b'{"v":1,"muted":true}', retain=True)
        start_messenger(
            settings_for(mosquitto.port, tmp_path),
            handlers=IncomingHandlers(on_desired=lambda desired, _whole: heard.append(desired)),
        )
        wait_until(lambda: heard == [Desired(muted=True)], what="the retained request")
        subscriber.publish("classroom/v1/north/pi-3a/desired", b'{"v":1,"muted":"loud"}', retain=True)
        subscriber.publish("classroom/v1/north/pi-3a/desired", b'{"v":1,"muted":false}', retain=True)
        wait_until(lambda: heard[-1] == Desired(muted=False), what="the change")
        assert len(heard) == 2


def test_what_the_device_should_be_is_answered_where_it_is_not_understood(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    heard: list[tuple[Desired, bool]] = []
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(
            settings_for(mosquitto.port, tmp_path),
            handlers=IncomingHandlers(on_desired=lambda desired, whole: heard.append((desired, whole))),
        )
        wait_until(lambda: is_online(subscriber))
        subscriber.publish(messenger.topics.of("desired"), b'{"v":1,"muted":true,"model":7}', retain=True)
        subscriber.publish(messenger.topics.of("desired"), b'{"v":1,"muted":false,"model":7}', retain=True)
        wait_until(lambda: len(subscriber.on("reply")) == 2, what="the replies")
        assert heard == [(Desired(muted=True), False)]
        replies = [json.loads(message.payload) for message in subscriber.on("reply")]
        assert [(reply["id"], reply["command"], reply["ok"]) for reply in replies] == [("", "desired", False)] * 2
        assert all("$.model" in reply["error"] for reply in replies)
        assert ["muted = true in it excepted" in reply["error"] for reply in replies] == [True, False]


def test_a_late_death_on_the_status_topic_is_corrected(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: is_online(subscriber))
        late = b'{"v":1,"state":"offline","session":"01JD5W7T4KQ2AAAA","reason":"connection_lost"}'
        subscriber.publish(messenger.topics.of("status"), late, retain=True)
        wait_until(lambda: len(subscriber.on("status")) == 3 and is_online(subscriber), what="the correction")


def test_the_birth_is_sent_again_when_the_clock_is_set(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    clock = SteppedClock(wall=0.0, synced=False)
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path), clock=clock)
        messenger.expression(a_change(observed_at=clock.monotonic() + 1.0))
        wait_until(lambda: is_online(subscriber) and subscriber.on("expression"))
        assert last_status(subscriber)["started_at"].startswith("1970")
        clock.step_wall_to(1_700_000_000.0)
        clock.is_synced = True
        messenger.health(a_report())
        wait_until(lambda: last_status(subscriber)["clock_synced"], what="the corrected birth")
        assert last_status(subscriber)["started_at"] == "2023-11-14T22:13:20.000Z"
        event = json.loads(subscriber.on("expression")[0].payload)
        assert (event["clock_synced"], event["mono_ms"]) == (False, 1000)


def test_a_device_set_up_anew_with_a_clock_that_is_behind_continues_its_sessions(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        before = start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: is_online(subscriber))
        before.stop()
        wait_until(lambda: not is_online(subscriber))
        fresh = settings_for(mosquitto.port, tmp_path, outbox={"path": str(tmp_path / "fresh.db")})
        mosquitto.pause()  # it hears of its past only when the session it began as is noted here
        messenger = start_messenger(fresh, clock=SteppedClock(wall=0.0))
        messenger.expression(a_change())
        begun_as = messenger.session
        mosquitto.resume()
        assert begun_as < before.session
        wait_until(lambda: is_online(subscriber) and subscriber.on("expression"), what="the birth")
        birth = last_status(subscriber)
        assert birth["session"] == messenger.session > before.session
        assert [known["session"] for known in birth["sessions"]] == [messenger.session, begun_as]
        assert json.loads(subscriber.on("expression")[0].payload)["session"] == begun_as
        assert "a new session begins" in caplog.text.lower()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_second_device_with_the_same_id_is_noticed(
    protocol: str, mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = start_messenger(settings_for(mosquitto.port, tmp_path, protocol=protocol))
    wait_until(lambda: first.statistics().publisher.connected)
    copy = settings_for(mosquitto.port, tmp_path, outbox={"path": str(tmp_path / "copy.db")}, protocol=protocol)
    second = start_messenger(copy)
    wait_until(lambda: "another device uses the id north/pi-3a" in caplog.text, what="a warning")
    assert first.statistics().duplicate_ids or second.statistics().duplicate_ids


def test_messages_outside_the_contract_can_be_published(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.publish("homeassistant/device/pi-3a/config", b"{}", retain=True)
        wait_until(lambda: subscriber.on("config"), what="the message")
