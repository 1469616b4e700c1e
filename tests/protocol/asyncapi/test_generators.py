"""AsyncAPI's own code generator makes classes of the document, and with them a device is muted."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.device.desired_state import read_desired
from edge_agent.protocol.asyncapi.document import is_json, on_the_wire
from edge_agent.protocol.asyncapi.examples import EXAMPLES
from edge_agent.protocol.catalogue import CHANNELS, TYPES
from edge_agent.protocol.messages import Command, Desired, Health, Status, decode
from tests.protocol.asyncapi.test_documents import COMMITTED
from tests.support.node import node_with

JSON_CHANNELS = [channel for channel in CHANNELS if is_json(channel)]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    node = node_with("@asyncapi/modelina")
    made = tmp_path_factory.mktemp("generated") / "made.json"
    script = Path(__file__).with_name("generate.js")
    command: list[str | Path] = [node.program, script, COMMITTED / "asyncapi.json", made]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, env=node.env)
    assert result.returncode == 0, result.stdout + result.stderr
    classes: dict[str, dict[str, str]] = json.loads(made.read_text())
    return classes


@pytest.fixture(scope="module")
def python(generated: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The generated classes in Python, by name."""
    pytest.importorskip("pydantic")
    lines = ["from __future__ import annotations", "from enum import Enum"]
    for code in generated["python"].values():
        lines += [line for line in code.splitlines() if not line.startswith(("from __future__", "from ."))]
    found: dict[str, Any] = {"__name__": "generated"}
    exec(compile("\n".join(lines), "generated.py", "exec"), found)
    for made in list(found.values()):
        if isinstance(made, type) and hasattr(made, "model_rebuild") and made.__module__ == "generated":
            made.model_rebuild(_types_namespace=found)
    return found


def test_every_class_has_a_name(generated: dict[str, dict[str, str]]) -> None:
    for language, classes in generated.items():
        numbered = [name for name in classes if re.search(r"anonymous|\d$", name, re.IGNORECASE)]
        assert numbered == [], language
        assert {"Desired", "Summary", "CameraHealth", "OutboxHealth", "SearchHealth"} <= set(classes), language


def test_no_field_is_undefined(generated: dict[str, dict[str, str]]) -> None:
    for language, classes in generated.items():
        wrong = [name for name, code in classes.items() if re.search(r"= ?'?undefined", code)]
        assert wrong == [], language


def test_a_field_that_may_be_null_has_a_type(generated: dict[str, dict[str, str]]) -> None:
    assert "faces: Optional[int]" in generated["python"]["Summary"]
    assert re.search(r"search: Optional\[.*SearchHealth", generated["python"]["Health"])
    assert "_faces: number | null" in generated["typescript"]["Summary"]


def test_a_message_of_a_generated_class_mutes_a_device(python: dict[str, Any]) -> None:
    payload = python["Desired"](v=1, muted=True).model_dump_json(exclude_none=True).encode()
    assert json.loads(payload) == {"v": 1, "muted": True}
    assert read_desired(payload) == Desired(muted=True)


def test_a_command_of_a_generated_class_is_understood(python: dict[str, Any]) -> None:
    fields = {"v": 1, "id": "1", "command": "resend", "session": "S", "topic": "summary", "from": 1, "to": 2}
    payload = python["Command"](**fields).model_dump_json(exclude_none=True, by_alias=True).encode()
    assert decode(payload, Command) == msgspec.convert(fields, Command)


@pytest.mark.parametrize("channel", JSON_CHANNELS, ids=lambda channel: channel.name)
def test_generated_classes_read_every_example_and_write_it_again(channel: Any, python: dict[str, Any]) -> None:
    kind = python[channel.message.__name__]
    for example in EXAMPLES[channel.name]:
        sent = on_the_wire(example.message)
        read = kind.model_validate_json(json.dumps(sent))
        again = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
        assert again == sent


def test_generated_classes_know_every_topic_of_a_device(python: dict[str, Any]) -> None:
    assert {kind.__name__ for kind in TYPES.values()} <= set(python)
    assert {Health.__name__, Status.__name__} <= set(python)
