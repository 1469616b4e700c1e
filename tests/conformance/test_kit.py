"""The list of clauses, the document made of it, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.conformance.checks import DEVICE_CLAUSES
from edge_agent.conformance.clauses import Clause, Verdict, judge
from edge_agent.conformance.client_checks import CLIENT_CLAUSES
from edge_agent.conformance.record import Record, Seen
from edge_agent.conformance.report import as_json, as_markdown, table
from edge_agent.errors import CheckFailed, InputError
from edge_agent.protocol.topics import Topics
from tests.support.broker import Mosquitto, free_port

ROOT = Path(__file__).parents[2]
ALL: list[Clause[Any]] = [*DEVICE_CLAUSES, *CLIENT_CLAUSES.all]
TOPICS = Topics("classroom", "north", "pi-3a")


def test_there_are_more_than_a_hundred_clauses_without_the_fields() -> None:
    assert len([clause for clause in DEVICE_CLAUSES if clause.topic != "fields"]) >= 100


def test_every_number_stands_for_one_clause() -> None:
    numbers = [clause.number for clause in ALL]
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)


def test_every_clause_says_where_it_comes_from() -> None:
    for clause in ALL:
        file = clause.source.split(",")[0].split(";")[0].strip()
        found = [path for folder in ("docs", "docs/contract") if (path := ROOT / folder / file).is_file()]
        assert found, f"{clause.number}: {clause.source}"


def test_the_document_lists_what_the_kit_demands() -> None:
    page = (ROOT / "docs" / "conformance-clauses.md").read_text(encoding="utf-8")
    assert page == as_markdown(ALL) + "\n", "run: edge-agent conformance --list > docs/conformance-clauses.md"


def test_nothing_passes_where_nothing_was_seen() -> None:
    assert {verdict.result for verdict in judge(DEVICE_CLAUSES, Record(TOPICS))} == {"not tested"}


def test_a_message_that_no_check_expects_fails_and_ends_nothing() -> None:
    record = Record(TOPICS)
    for name in ("status", "expression", "summary", "health", "reply"):
        for payload in (b"[]", b"7", b'{"v":{},"session":[],"seq":"x","scores":3,"state":"online","sessions":7}'):
            record.seen.append(Seen(1.0, name, payload))
    verdicts = judge(DEVICE_CLAUSES, record)
    assert len(verdicts) == len(DEVICE_CLAUSES)
    assert sum(verdict.result == "fail" for verdict in verdicts) > 50


VERDICTS = [Verdict(101, "messages", "One.", "pass", ""), Verdict(102, "messages", "Two.", "fail", "it is 3")]


def test_the_table_shows_what_failed_and_why() -> None:
    assert "One." not in table(VERDICTS, whole=False)
    assert "One." in table(VERDICTS, whole=True)
    assert "it is 3" in table(VERDICTS, whole=False)
    assert table(VERDICTS, whole=False).endswith("1 pass, 1 fail, 0 not tested")


def test_json_has_counts_and_every_clause() -> None:
    found = json.loads(as_json(VERDICTS))
    assert found["counts"] == {"pass": 1, "fail": 1, "not tested": 0}
    assert found["clauses"][1] == {
        "number": 102,
        "topic": "messages",
        "text": "Two.",
        "result": "fail",
        "why": "it is 3",
    }


@pytest.mark.parametrize(
    "arguments",
    [[], ["--device", "pi-3a"], ["--device", "a/b/c"], ["--device", "a/b", "--client", "x"], ["--client", "'"]],
)
def test_wrong_options_are_said(arguments: list[str], broker: Mosquitto) -> None:
    result = CliRunner().invoke(app, ["conformance", "--port", str(broker.port), *arguments])
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 3


def test_no_broker_has_an_exit_code_of_its_own() -> None:
    result = CliRunner().invoke(app, ["conformance", "--port", str(free_port()), "--device", "north/pi-3a"])
    assert getattr(result.exception, "exit_code", None) == 7


def test_a_device_that_is_not_there_is_said(broker: Mosquitto) -> None:
    where = ["--port", str(broker.port), "--device", "north/nobody"]
    result = CliRunner().invoke(app, ["conformance", *where, "--patience", "0.1"])
    assert isinstance(result.exception, CheckFailed)
    assert "no status that says online" in str(result.exception)


def test_the_list_is_printed_without_a_broker() -> None:
    result = CliRunner().invoke(app, ["conformance", "--list"])
    assert result.exit_code == 0
    assert as_markdown(ALL) in result.stdout
