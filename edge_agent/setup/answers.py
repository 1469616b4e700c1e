"""A file of answers: TOML with the keys of the settings file, as many of them as differ from what is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_agent.config import Settings
from edge_agent.config_file import from_tables, read_tables
from edge_agent.privacy.declaration_words import meant
from edge_agent.privacy.policy import understood
from edge_agent.setup.countries import country_code

Tables = dict[str, dict[str, Any]]
"""Values by table and key."""


def read_answers(path: Path) -> Tables:
    """The answers in a file, with the words of the declaration as they have to be.

    Raises:
        ConfigError: The file cannot be read, is no TOML, or has an unknown key or a value out of range.
    """
    tables = read_tables(path)
    from_tables(tables, Settings, path)
    return in_its_words(tables)


def in_its_words(tables: Tables) -> Tables:
    """The same with ``CH`` for Switzerland and ``education`` for a school."""
    policy = dict(tables.get("policy", {}))
    for key in policy:
        policy[key] = word(key, policy[key])
    return {**tables, "policy": policy} if policy else tables


def word(key: str, written: str) -> str:
    """An answer of the declaration in its one spelling; as it was written where it is not understood.

    Args:
        key: Of the table ``[policy]``.
        written: What somebody wrote.
    """
    if key == "jurisdiction":
        written = country_code(written)
    return understood(key, written) or meant(key, written) or written
