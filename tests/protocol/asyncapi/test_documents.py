"""The documents under docs/contract: up to date, valid, and accepted by the official parser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.device.desired_state import MalformedDesired, read_desired
from edge_agent.errors import InputError
from edge_agent.protocol.asyncapi import documents
from edge_agent.protocol.asyncapi.document import on_the_wire
from edge_agent.protocol.asyncapi.examples import EXAMPLES
from edge_agent.protocol.catalogue import CHANNELS, Channel
from edge_agent.protocol.messages import Command, decode
from edge_agent.protocol.model_manifest import decode_models
from tests.support.node import node_with

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "docs" / "contract"
AGAIN = "run: edge-agent contract --out docs/contract"
MADE = documents()
ASYNCAPI = json.loads(MADE["asyncapi.json"])
SCHEMAS = {path: json.loads(text) for path, text in MADE.items() if path.startswith("schemas/")}


def validator_of(message: dict[str, Any], part: str) -> jsonschema.Draft7Validator:
    """Judges the payload or the headers of a message within the document. AsyncAPI's own schemas are of draft 7."""
    return jsonschema.Draft7Validator({**message[part], "components": ASYNCAPI["components"]})


def understood(decode: Callable[[bytes], object], payload: bytes) -> bool:
    try:
        return not isinstance(decode(payload), MalformedDesired)
    except InputError:
        return False


RECEIVED: dict[str, Callable[[bytes], bool]] = {
    "desired": partial(understood, read_desired),
    "command": partial(understood, partial(decode, kind=Command)),
    "models": partial(understood, decode_models),
}
"""What devices receive, and whether they understand it."""


def test_the_committed_documents_are_what_the_types_say() -> None:
    committed = {str(path.relative_to(COMMITTED)): path for path in COMMITTED.rglob("*") if path.is_file()}
    assert set(committed) == set(MADE), f"docs/contract has other files than it should; delete or {AGAIN}"
    drifted = [name for name, path in committed.items() if path.read_text(encoding="utf-8") != MADE[name]]
    assert drifted == [], f"the message types have changed; {AGAIN}"


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_schema_is_json_schema_2020_12(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_example_is_valid_by_its_schema(schema: dict[str, Any]) -> None:
    for example in schema["examples"]:
        jsonschema.validate(example, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("message", ASYNCAPI["components"]["messages"].values(), ids=lambda message: message["name"])
def test_every_example_is_valid_by_the_schema_within_the_asyncapi_document(message: dict[str, Any]) -> None:
    for part in ("payload", "headers"):
        for example in message["examples"]:
            if part in example and message["contentType"] != "application/octet-stream":
                validator_of(message, part).validate(example[part])


def test_an_example_of_another_message_is_not_valid() -> None:
    messages = ASYNCAPI["components"]["messages"]
    validator = validator_of(messages["summary"], "payload")
    assert list(validator.iter_errors(messages["expression"]["examples"][0]["payload"]))


@pytest.mark.parametrize(
    "channel", [channel for channel in CHANNELS if channel.name in RECEIVED], ids=attrgetter("name")
)
def test_schema_and_device_agree_about_a_message_without_version(channel: Channel) -> None:
    device_takes = RECEIVED[channel.name]
    schema = jsonschema.Draft202012Validator(SCHEMAS[f"schemas/{channel.name}.json"])
    for example in EXAMPLES[channel.name]:
        sent = on_the_wire(example.message)
        for changed in (sent, {k: v for k, v in sent.items() if k != "v"}, {**sent, "v": 2}, {**sent, "v": "1"}):
            valid = not list(schema.iter_errors(changed))
            assert device_takes(json.dumps(changed).encode()) == valid, changed


def test_the_document_says_whose_side_it_describes() -> None:
    assert "the device's side" in ASYNCAPI["info"]["description"]


def test_summaries_are_whole_sentences() -> None:
    parts = [*ASYNCAPI["operations"].values(), *ASYNCAPI["components"]["messages"].values()]
    assert [part["summary"] for part in parts if not part["summary"].endswith(".")] == []


@pytest.mark.parametrize("name", ["expression", "summary"])
def test_event_ids_are_described_as_they_are(name: str) -> None:
    for example in EXAMPLES[name]:
        parts = example.message.event_id.split("/")
        described = SCHEMAS[f"schemas/{name}.json"]["properties"]["event_id"]["description"]
        assert parts[2] == name
        assert f"/{name}/{{seq}}" in described


def test_every_channel_has_an_example() -> None:
    missing = {channel.name for channel in CHANNELS} - set(EXAMPLES)
    assert missing == set(), "add messages to edge_agent/protocol/asyncapi/examples.py"


def test_no_schema_forbids_what_a_later_version_may_add() -> None:
    assert '"additionalProperties": false' not in "".join(MADE.values())


def test_schemas_use_nothing_that_asyncapi_does_not_know() -> None:
    later_than_draft_7 = ("prefixItems", "$defs", "discriminator", "unevaluatedProperties", "dependentRequired")
    assert [word for word in later_than_draft_7 if f'"{word}"' in MADE["asyncapi.json"]] == []


def test_operations_are_described_from_the_agents_point_of_view() -> None:
    actions = {name: operation["action"] for name, operation in ASYNCAPI["operations"].items()}
    assert actions["sendStatus"] == "send"
    assert actions["receiveCommand"] == "receive"
    for name in ("receiveCommand", "receiveResentCommand"):
        assert ASYNCAPI["operations"][name]["reply"]["channel"] == {"$ref": "#/channels/reply"}


def test_retained_topics_and_late_messages_are_marked() -> None:
    retained = {
        operation["channel"]["$ref"].rsplit("/", 1)[1]
        for operation in ASYNCAPI["operations"].values()
        if operation["bindings"]["mqtt"]["retain"]
    }
    late = {name for name, message in ASYNCAPI["components"]["messages"].items() if "headers" in message}
    assert {"status", "health", "desired"} <= retained
    assert {"expression", "summary", "command", "reply"}.isdisjoint(retained)
    assert late == {"expression", "summary", "resent_expression", "resent_summary"}


def test_the_official_parser_accepts_the_document() -> None:
    node = node_with("@asyncapi/parser")
    script = Path(__file__).with_name("parse.js")
    result = subprocess.run(
        [node.program, script, COMMITTED / "asyncapi.json"], capture_output=True, text=True, timeout=120, env=node.env
    )
    assert result.returncode == 0, result.stdout + result.stderr
    parsed = json.loads(result.stdout)
    worse_than_a_hint = [found for found in parsed["diagnostics"] if found["severity"] < 2]
    assert worse_than_a_hint == []
    assert set(parsed["channels"]) == {channel.topic for channel in CHANNELS}
    assert set(parsed["operations"]) == set(ASYNCAPI["operations"])


def test_the_command_writes_every_document(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["contract", "--out", str(tmp_path / "made")])
    assert result.exit_code == 0
    assert {str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*.*")} == set(MADE)
    assert len(result.stdout.splitlines()) == len(MADE)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["contract", "--out", str(tmp_path / "file")])
    assert f"{tmp_path / 'file'}: cannot be written" in str(result.exception)
