"""The Telegraf configuration, as far as it can be judged without Telegraf: topics and keys, against real messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from edge_agent.protocol.messages import CameraHealth, Health, OutboxHealth, Summary
from edge_agent.protocol.topics import Topics

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).parents[2] / "integrations" / "telegraf" / "classroom.conf"
INPUTS: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["inputs"]["mqtt_consumer"]
MESSAGES = {"summary": Summary, "health": Health}


def names(message: type[Any]) -> set[str]:
    return {field.encode_name for field in fields(message)}


def test_the_first_line_says_that_it_was_not_run() -> None:
    assert FILE.read_text(encoding="utf-8").startswith("# Not run: ")


@pytest.mark.parametrize("consumer", INPUTS, ids=[consumer["client_id"] for consumer in INPUTS])
def test_an_input_reads_one_kind_of_message_and_fields_that_it_has(consumer: dict[str, Any]) -> None:
    (topic,) = consumer["topics"]
    kind = topic.rsplit("/", 1)[1]
    assert topic == Topics("classroom", "+", "+").of(kind)
    (parsing,) = consumer["topic_parsing"]
    assert parsing["topic"] == topic
    assert dict(zip(topic.split("/"), parsing["tags"].split("/"), strict=True))["v1"] == "_"
    assert parsing["tags"].split("/")[2:4] == ["site", "device"]
    (reader,) = consumer["json_v2"]
    (whole,) = reader["object"]
    known = names(MESSAGES[kind]) | {"v"}
    assert reader["timestamp_path"] in known
    assert {field["path"].split(".")[0] for field in reader.get("field", [])} <= known
    nested = {f"camera_{name}" for name in names(CameraHealth)} | {f"outbox_{name}" for name in names(OutboxHealth)}
    assert {*whole.get("included_keys", []), *whole.get("excluded_keys", [])} <= known | nested


def test_the_figures_of_a_class_are_all_kept() -> None:
    (summary,) = (consumer for consumer in INPUTS if consumer["client_id"].endswith("summary"))
    excluded = set(summary["json_v2"][0]["object"][0]["excluded_keys"])
    kept = {"faces", "with_baseline", "shares", "suppressed", "approximate", "muted", "clock_synced"}
    assert names(Summary) - excluded == kept


def test_an_input_keeps_what_comes_while_telegraf_is_away() -> None:
    assert len({consumer["client_id"] for consumer in INPUTS}) == len(INPUTS)
    assert {(consumer["qos"], consumer["persistent_session"]) for consumer in INPUTS} == {(1, True)}
