"""What the settings file may say, for people: docs/settings.md and the file with every default.

Both are made from :mod:`edge_agent.config`: descriptions from its docstrings, ranges and defaults from its types.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edge_agent import __version__
from edge_agent.config import Settings
from edge_agent.config_file import range_of
from edge_agent.protocol.asyncapi.docstrings import fields_of, summary_of

_UNITS: Final = {"_px": "pixels", "_s": "seconds", "_h": "hours", "_mb": "megabytes"}
"""By the end of a key's name."""
_UNITS_OF: Final = {"fps": "frames a second"}
_WORDS_FOR: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)": "1 to 64 letters, digits and _ . -; the first a letter or digit",
    r"^[^#+\x00]+$": "1 to 256 characters, none of them # or +",
    r"^([A-Za-z0-9][A-Za-z0-9_.:+-]*)?$": "empty, or at most 64 letters, digits and _ . : + -",
    r"^(https?://[A-Za-z0-9.\[\]:_-]+(/\S*)?)?$": "empty, or an address that begins with http:// or https://",
}
"""For people: what the patterns of :mod:`edge_agent.config` allow."""
_EXAMPLES: Final = {
    "ignore": {"points": "[[0, 0], [0.3, 0], [0.3, 0.2], [0, 0.2]]"},
    "watch": {"points": "[[0, 0.1], [1, 0.1], [1, 1], [0, 1]]"},
}
"""Values of keys without a default, within a table of a list; valid together."""
_VALID_WITHOUT_DECLARATION: Final = "simulated"
_WIDTH: Final = 116


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of the file: its name, what it changes, its unit or kind of value, its default in TOML, its range.

    Of a list of tables also the lines of one such table without its header, else none.
    """

    name: str
    meaning: str
    unit: str
    default: str
    limits: str
    table: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file, named as between its brackets."""

    name: str
    meaning: str
    keys: list[_Key]


def reference_page() -> str:
    """Every key with its unit, default, range and meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        "Every key of the agent's settings file, a TOML file. Each has a default that works: name what differs.",
        "",
        "- A file with every default: `edge-agent config --defaults`",
        "- Is a file valid? `edge-agent check FILE`",
        "- This page is generated from `edge_agent/config.py`. After a change there:",
        "  `edge-agent config --reference > docs/settings.md`",
    ]
    for table in _tables():
        lines += ["", f"## `[{table.name}]`", "", *_wrapped(table.meaning, ""), ""]
        for key in table.keys:
            limits = f" Range: {key.limits}." if key.limits else ""
            lines += _wrapped(f"- `{key.name}`: {key.meaning}", "  ")
            lines += _wrapped(f"  Default: `{key.default}`. {_sentence(key.unit)}{limits}", "  ")
    return "\n".join(lines) + "\n"


def defaults_file() -> str:
    """A settings file with every key at its default, each with a comment.

    One value is not the default: the camera's source. A live camera needs the operator's declaration, for which there
    is no default.
    """
    lines = [
        f"# Settings of the classroom edge agent {__version__}: every key with its default, its unit and its range.",
        "# Leave out what need not differ. Check the file with: edge-agent check FILE",
    ]
    for table in _tables():
        lines += ["", "", *_comment(table.meaning), f"[{table.name}]"]
        for key in table.keys:
            value, meaning = key.default, key.meaning
            if (table.name, key.name) == ("camera", "source"):
                meaning += f" The default is {value}, which needs a declaration in [policy]."
                value = json.dumps(_VALID_WITHOUT_DECLARATION)
            facts = "; ".join(filter(None, (key.unit, key.limits)))
            lines += ["", *_comment(meaning), *_comment(f"({facts})" if facts else "")]
            lines += _example(table.name, key) if key.table else [f"{key.name} = {value}"]
    return "\n".join(lines) + "\n"


def commented_file(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A settings file with these values, each with a comment on what it is.

    Args:
        tables: Values by table and key; a value may be a table of its own. All must be valid.
    """
    lines = [
        f"# Settings of the classroom edge agent {__version__}. What is not here has its default.",
        "# All keys: edge-agent config --defaults. After a change: edge-agent check FILE, and restart the agent.",
    ]
    for table in _tables():
        values: Any = tables
        for step in table.name.split("."):
            values = values.get(step, {})
        own = [key for key in table.keys if key.name in values]
        if own:
            lines += ["", "", *_comment(table.meaning), f"[{table.name}]"]
        for key in own:
            lines += ["", *_comment(key.meaning), f"{key.name} = {_toml(values[key.name])}"]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _example(table: str, key: _Key) -> list[str]:
    """A table of a list, commented out: TOML takes no ``[[table.key]]`` beside ``key = []``."""
    how = _comment("None here. For one, remove the # before the lines below; repeat them for each further one.")
    return [*how, f"#[[{table}.{key.name}]]", *(f"#{line}" for line in key.table)]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in _wrapped(text.replace("`", ""), "") if line]


def _wrapped(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(
            paragraph, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return lines


def _tables() -> Iterator[_Table]:
    for field in msgspec.structs.fields(Settings):
        yield from _tables_of(field.encode_name, field.default)


def _tables_of(name: str, section: msgspec.Struct) -> Iterator[_Table]:
    """A section of the settings, and after it the tables within it."""
    kind = type(section)
    meanings = fields_of(kind)
    types = {field.encode_name: field.type for field in msgspec.inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    keys, inner = [], []
    for field in msgspec.structs.fields(kind):
        key, default = field.encode_name, field.default
        if isinstance(default, msgspec.Struct):
            inner.append((f"{name}.{key}", default))
            continue
        info = types[key]
        keys.append(
            _Key(key, meanings[key], _unit(key, default), json.dumps(default), _limits(info), _table_lines(key, info))
        )
    # In TOML plain keys come before the tables within.
    yield _Table(name, summary_of(kind), sorted(keys, key=lambda key: bool(key.table)))
    for within, default in inner:
        yield from _tables_of(within, default)


def _table_lines(key: str, info: msgspec.inspect.Type) -> tuple[str, ...]:
    """Where a value is a list of tables: the keys of one, each with its default or an example."""
    item = getattr(info, "item_type", None)
    if not isinstance(item, msgspec.inspect.StructType):
        return ()
    return tuple(
        f"{field.encode_name} = {_EXAMPLES[key][field.encode_name] if field.required else json.dumps(field.default)}"
        for field in item.fields
    )


def _sentence(unit: str) -> str:
    return f"Unit: {unit}." if unit in (*_UNITS.values(), *_UNITS_OF.values()) else f"{unit.capitalize()}."


def _limits(info: msgspec.inspect.Type) -> str:
    return _WORDS_FOR.get(getattr(info, "pattern", None) or "", range_of(info))


def _unit(key: str, default: Any) -> str:
    """``seconds``, or what kind of value it is where it has no unit."""
    if key in _UNITS_OF:
        return _UNITS_OF[key]
    for ending, unit in _UNITS.items():
        if key.endswith(ending):
            return unit
    return {bool: "true or false", int: "whole number", float: "number", str: "text", tuple: "list"}[type(default)]
