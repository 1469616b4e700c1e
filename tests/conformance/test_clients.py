"""Subscriber programs before the kit."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from edge_agent.conformance.clauses import judge
from edge_agent.conformance.client_checks import CLIENT_CLAUSES, ClientRecord
from edge_agent.conformance.client_run import judge_client
from edge_agent.mqtt.endpoint import Broker
from tests.conformance.conftest import failures
from tests.support.broker import Mosquitto

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_program_on_the_page_keeps_the_contract(broker: Mosquitto, tmp_path: Path) -> None:
    code = re.search(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert code is not None
    program = tmp_path / "program.py"
    program.write_text(code[1])
    command = f"{sys.executable} {program}"
    verdicts = judge_client(Broker(broker.host, broker.port), "kit", command, lambda _what: None)
    assert failures(verdicts) == []
    assert [verdict.text for verdict in verdicts if verdict.result == "not tested"] == []


def test_a_program_that_ends_at_once_is_said_to(broker: Mosquitto) -> None:
    command = f"{sys.executable} -c \"print('hello')\""
    verdicts = judge_client(Broker(broker.host, broker.port), "kit", command, lambda _what: None)
    assert any("ended" in failure for failure in failures(verdicts))
    assert any("hello" in failure for failure in failures(verdicts))


def a_good_record() -> ClientRecord:
    steps: tuple[str, ...] = (
        "join",
        "events",
        "gap",
        "gap at the end",
        "lost",
        "late death",
        "kill",
        "start again",
        "next session",
    )
    steps += ("silence", "speaks again", "stop", "end")
    record = ClientRecord("s/d", steps={step: (10.0 * n, 10.0 * n + 9) for n, step in enumerate(steps)})
    kinds = ("plain", "next session", "more fields", "unknown expression", "after garbage", "suppressed", "asked for")
    record.events = {kind: [kind] for kind in kinds} | {"other version": ["other version"]}
    record.gaps = {"gap": ("summary", 8), "gap at the end": ("summary", 10), "lost": ("summary", 11)}
    for number, (step, name) in enumerate((("gap", 8), ("gap at the end", 10), ("lost", 11))):
        ask = {
            "v": 1,
            "id": f"{number}",
            "command": "resend",
            "session": "S",
            "topic": "summary",
            "from": name,
            "to": name,
        }
        record.asked.append((record.steps[step][0] + 1, json.dumps(ask).encode()))
    for step, state in (
        ("join", "online"),
        ("kill", "offline"),
        ("start again", "online"),
        ("silence", "stale"),
        ("speaks again", "online"),
        ("stop", "offline"),
    ):
        record.lines.append((record.steps[step][0] + 1, {"device": "s/d", "state": state}))
    record.lines += [(15.0, {"device": "s/d", "event": kind, "faces": None}) for kind in kinds]
    record.ended_on_request = True
    return record


def failed(record: ClientRecord) -> set[int]:
    return {verdict.number for verdict in judge(CLIENT_CLAUSES.all, record) if verdict.result != "pass"}


def test_a_program_that_does_all_right_passes() -> None:
    assert failed(a_good_record()) == set()


def test_an_event_shown_twice_is_caught() -> None:
    record = a_good_record()
    record.lines.append((16.0, {"device": "s/d", "event": "plain"}))
    assert failed(record) == {904}


def test_a_late_death_that_is_believed_is_caught() -> None:
    record = a_good_record()
    record.lines.append((record.steps["late death"][0] + 1, {"device": "s/d", "state": "offline"}))
    assert 919 in failed(record)


def test_a_message_of_another_version_that_is_shown_is_caught() -> None:
    record = a_good_record()
    record.lines.append((16.0, {"device": "s/d", "event": "other version"}))
    assert failed(record) == {908}


def test_zero_faces_for_a_suppressed_summary_is_caught() -> None:
    record = a_good_record()
    record.lines = [
        (at, line | ({"faces": 0} if line.get("event") == "suppressed" else {})) for at, line in record.lines
    ]
    assert failed(record) == {910}


def test_a_gap_that_is_not_asked_for_is_caught() -> None:
    record = a_good_record()
    del record.asked[0]
    assert failed(record) == {911}


def test_asking_for_what_has_come_is_caught() -> None:
    record = a_good_record()
    at, payload = record.asked[0]
    record.asked[0] = (at, payload.replace(b'"from": 8', b'"from": 1'))
    assert failed(record) == {914}


def test_asking_for_ever_is_caught() -> None:
    record = a_good_record()
    record.asked += [
        (at + 1, payload.replace(b'"2"', b'"%d"' % n)) for n in (7, 8) for at, payload in record.asked[2:3]
    ]
    assert failed(record) == {915}


def test_a_command_that_the_broker_keeps_is_caught() -> None:
    record = a_good_record()
    record.kept_commands = 1
    assert failed(record) == {918}


def test_a_silent_device_that_stays_online_is_caught() -> None:
    record = a_good_record()
    record.lines = [(at, line) for at, line in record.lines if line.get("state") != "stale"]
    assert failed(record) == {922}


def test_a_record_of_nothing_passes_nothing_that_needs_something() -> None:
    passed = set(range(901, 928)) - failed(ClientRecord("s/d"))
    assert passed <= {904, 908, 925, 926}
