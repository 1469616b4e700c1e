"""Commands and their replies."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent.device.commands import CommandDispatcher
from edge_agent.errors import InputError, Rejected
from edge_agent.outbox.replay import ResendAnswer, ResendOutcome, ResendRange
from edge_agent.privacy.audit import FILE, audit_file
from edge_agent.protocol.messages import Command, Reply


def refuse(_command: Command) -> dict[str, Any]:
    raise InputError("the camera is muted")


def break_down(_command: Command) -> dict[str, Any]:
    raise ZeroDivisionError


HANDLERS = {"snapshot": lambda _command: {"tracks": []}, "refuse": refuse, "break": break_down}


def reply_to(payload: bytes, *, retained: bool = False, outcome: ResendOutcome | None = None) -> Reply:
    replies: list[Reply] = []
    dispatcher = CommandDispatcher(lambda _wanted, answer: answer(outcome or ResendAnswer(0, (), None)), HANDLERS)
    dispatcher.handle(payload, "S1", replies.append, retained=retained)
    (reply,) = replies
    return reply


def command(name: str, more: str = "") -> bytes:
    return f'{{"v":1,"id":"c1","command":"{name}"{more}}}'.encode()


def test_a_ping_is_answered_with_its_id_and_the_session() -> None:
    assert reply_to(command("ping")) == Reply(id="c1", command="ping", ok=True, session="S1")


def test_a_command_gives_its_result() -> None:
    assert reply_to(command("snapshot")).result == {"tracks": []}


def test_an_unknown_command_is_answered_with_what_there_is() -> None:
    reply = reply_to(command("dance"))
    assert not reply.ok
    assert reply.error == "unknown command 'dance', expected one of break, ping, refuse, resend, snapshot"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"v":1,"command":"ping"}',
        b'{"v":1,"id":"","command":"ping"}',
        b'{"v":1,"id":7,"command":"ping"}',
        b'{"v":1,"id":"c1","command":"ping","x":' + b"[" * 100_000,
    ],
    ids=["nothing", "cut off", "no text", "a list", "no id", "empty id", "id of another kind", "nested without end"],
)
def test_a_malformed_command_is_answered_with_the_reason(payload: bytes) -> None:
    reply = reply_to(payload)
    assert (reply.ok, reply.id) == (False, "")
    assert "not a command message" in reply.error


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b'{"v":2,"id":"c1","command":"ping"}', "ping"),
        (b'{"v":1,"id":"c1"}', ""),
        (b'{"v":1,"id":"c1","command":"resend","session":5,"topic":"summary","from":1,"to":2}', "resend"),
        (
            b'{"v":1,"id":"c1","command":"resend","session":"S0","topic":"summary","from":1,"to":18446744073709551616}',
            "resend",
        ),
    ],
    ids=["a later version", "no command", "a session that is a number", "a number no database knows"],
)
def test_who_sent_a_malformed_command_knows_the_reply_by_its_id(payload: bytes, name: str) -> None:
    reply = reply_to(payload)
    assert (reply.ok, reply.id, reply.command) == (False, "c1", name)
    assert "not a command message" in reply.error


def test_a_retained_command_is_not_carried_out() -> None:
    assert "retained" in reply_to(command("snapshot"), retained=True).error


def test_a_refusal_travels_as_its_message() -> None:
    assert reply_to(command("refuse")).error == "the camera is muted"


def test_a_handler_that_breaks_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert reply_to(command("break")).error == "it failed; the device's log says why"
    assert "ZeroDivisionError" in caplog.text


def test_every_command_is_in_the_audit_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "edge_agent.audit"):
        for payload in (command("ping"), command("dance"), b"{"):
            reply_to(payload)
    lines = [record.getMessage() for record in caplog.records if record.name == "edge_agent.audit"]
    assert len(lines) == 3
    assert lines[0] == "command 'c1' 'ping': done"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "rtsp://admin:Blue77@cam/s", "command": "ping"},
        {"id": "1", "command": "rtsp://me:Blue77@cam"},
        {"id": "1", "command": "ping", "password": "Blue77"},
        {"id": "1", "command": "resend", "session": "mqtt://u:Blue77@b", "topic": "expression", "from": 1, "to": 2},
        {"id": "1", "command": "ping", "v": "mqtt://u:Blue77@b"},
        {"id": 7, "command": "mqtt://u:Blue77@b"},
    ],
)
def test_a_secret_in_a_command_is_in_no_log_and_no_reason(
    fields: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = reply_to(json.dumps({"v": 1, **fields}).encode())
    assert caplog.records
    assert "Blue77" not in caplog.text
    assert "Blue77" not in reply.error


def test_nobody_can_forge_a_line_of_the_audit_log(tmp_path: Path) -> None:
    with audit_file(tmp_path):
        reply_to(b'{"v":1,"id":"c1\\n2026-11-22 command","command":"p\\r\\u2028ing"}')
    (line,) = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert "command 'c1\\n2026-11-22 command'" in line


def test_a_resend_asks_the_outbox_and_tells_what_is_missing() -> None:
    asked: list[ResendRange] = []
    replies: list[Reply] = []

    def resend(wanted: ResendRange, answer: Callable[[ResendOutcome], None]) -> None:
        asked.append(wanted)
        answer(ResendAnswer(4, ((3, 5),), 10))

    dispatcher = CommandDispatcher(resend, {})
    dispatcher.handle(command("resend", ',"session":"S0","topic":"summary","from":3,"to":20'), "S1", replies.append)
    assert asked == [ResendRange("S0", "summary", 3, 20)]
    assert replies[0].result == {"count": 4, "missing": ((3, 5),), "more_from": 10}


def test_a_resend_while_too_much_is_under_way_is_refused() -> None:
    payload = command("resend", ',"session":"S0","topic":"summary","from":3,"to":20')
    assert "busy" in reply_to(payload, outcome=Rejected("busy, ask later")).error


@pytest.mark.parametrize(
    "more",
    [
        "",
        ',"session":"S0","topic":"summary","from":3',
        ',"session":"S0","topic":"health","from":3,"to":4',
        ',"session":"S0","topic":"summary","from":5,"to":4',
    ],
)
def test_a_resend_without_a_proper_range_is_answered_with_what_it_needs(more: str) -> None:
    assert "expected session, topic (expression or summary)" in reply_to(command("resend", more)).error


@pytest.mark.parametrize("asker", ["me", "a/b/c", "+/me", "me/#", "/", "a/", "a\\u0000/b", ""])
def test_an_asker_that_is_no_account_and_program_is_refused(asker: str) -> None:
    more = f',"session":"S0","topic":"summary","from":3,"to":20,"reply_to":"{asker}"'
    assert "reply_to" in reply_to(command("resend", more)).error


def test_the_asker_is_handed_on_to_the_outbox() -> None:
    asked: list[ResendRange] = []
    dispatcher = CommandDispatcher(lambda wanted, _answer: asked.append(wanted), {})
    more = ',"session":"S0","topic":"summary","from":3,"to":20,"reply_to":"operator/wall"'
    dispatcher.handle(command("resend", more), "S1", lambda _reply: None)
    assert asked == [ResendRange("S0", "summary", 3, 20, "operator/wall")]
