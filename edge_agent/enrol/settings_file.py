"""Changes a few values in a TOML file that people write. Their comments and everything else stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from edge_agent.config_file import parse_toml
from edge_agent.errors import ConfigError

Value = str | int | bool
_HEADER = re.compile(r"^\s*\[\s*([A-Za-z0-9_.-]+)\s*\]\s*(#.*)?$")


def set_values(text: str, changes: Mapping[str, Mapping[str, Value]]) -> str:
    """The text with values set, tables and keys added where they are missing.

    Args:
        text: A TOML file in which the tables concerned are written as ``[table]``, one key a line.
        changes: By table (``mqtt.tls``), the values by key.

    Raises:
        ConfigError: The file writes these keys in a way that this cannot change, for example an inline table.
    """
    lines = text.splitlines()
    for table, values in changes.items():
        for key, value in values.items():
            _set(lines, table, key, json.dumps(value))
    changed = "\n".join(lines) + "\n"
    if not _as_wanted(text, changed, changes):
        wanted = "\n".join(
            f"[{table}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
            for table, values in changes.items()
        )
        raise ConfigError(
            "the configuration writes these settings in a way that cannot be changed automatically",
            remedy=f"Set them by hand, then run this again:\n{wanted}\n",
        )
    return changed


def _set(lines: list[str], table: str, key: str, value: str) -> None:
    start = next((at for at, line in enumerate(lines) if (m := _HEADER.match(line)) and m[1] == table), None)
    if start is None:
        lines += ["", f"[{table}]", f"{key} = {value}"]
        return
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    written = re.compile(rf"^\s*{re.escape(key)}\s*=\s*(\"[^\"]*\"|'[^']*'|[^#\"']*?)(\s*#.*)?$")
    for at in range(start + 1, end):
        matched = written.match(lines[at])
        if matched:
            lines[at] = f"{key} = {value}{matched[2] or ''}"
            return
    lines.insert(start + 1, f"{key} = {value}")


def _as_wanted(before: str, after: str, changes: Mapping[str, Mapping[str, Value]]) -> bool:
    """Whether the text has the values asked for, and is otherwise unchanged."""
    try:
        wanted, found = parse_toml(before), parse_toml(after)
    except ValueError:
        return False
    for table, values in changes.items():
        place: Any = wanted
        for step in table.split("."):
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                return False
        place.update(values)
    return bool(wanted == found)
