"""The documents as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_agent.errors import InputError
from edge_agent.files import refuse_address
from edge_agent.protocol.asyncapi.document import asyncapi, is_json, on_the_wire
from edge_agent.protocol.asyncapi.examples import EXAMPLES
from edge_agent.protocol.asyncapi.schemas import standalone
from edge_agent.protocol.asyncapi.tables import field_tables
from edge_agent.protocol.catalogue import CHANNELS


def documents() -> dict[str, str]:
    """Every document by its path within the folder."""
    found: dict[str, Any] = {"asyncapi.json": asyncapi()}
    for channel in CHANNELS:
        if is_json(channel):
            examples = [on_the_wire(example.message) for example in EXAMPLES.get(channel.name, [])]
            found[f"schemas/{channel.name}.json"] = standalone(channel.message, channel.name, examples)
    written = {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in found.items()}
    return {**written, "messages.md": field_tables()}


def write_documents(folder: Path) -> list[Path]:
    """Write every document; returns what was written.

    Raises:
        InputError: The folder cannot be written to, or its path is an address.
    """
    refuse_address(folder)
    made = {folder / path: text for path, text in documents().items()}
    try:
        for path, text in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}", remedy="Choose another --out") from None
    return list(made)
