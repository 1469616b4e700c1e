"""What signs and assessment need to know and the device's settings do not say: a file that the school fills in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, get_args

import msgspec

from edge_agent.config_file import load_toml
from edge_agent.errors import ConfigError
from edge_agent.files import PUBLIC, path_exists, write_file
from edge_agent.notice.words import Language

FILE: Final = "details.toml"

_Line = Annotated[str, msgspec.Meta(max_length=600)]
Text = _Line | dict[str, _Line]
"""One text for all languages, or one for each."""


class Details(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The school's answers. What is left empty becomes a line to write on.

    Attributes:
        controller: Who decides about purpose and means, with address. Without it, who declared in ``[policy]``.
        contact: Where questions and objections go.
        officer: The data protection officer.
        authority: The supervisory authority for complaints.
        purpose: What the camera is for.
        closed: When the camera is closed.
        recipients: Who sees the results.
        page_retention: How long page and exports keep figures.
        backup_retention: How long backups are kept.
        processor: Who works on the data for the controller, under which contract.
        broker: Where the broker runs, and who looks after it.
    """

    controller: Text = ""
    contact: Text = ""
    officer: Text = ""
    authority: Text = ""
    purpose: Text = ""
    closed: Text = ""
    recipients: Text = ""
    page_retention: Text = ""
    backup_retention: Text = ""
    processor: Text = ""
    broker: Text = ""


_TEMPLATE: Final = """\
# What the signs and the assessment need to know and the device's settings do not say. Fill it in, then run
# `edge-agent notice` again. What stays empty becomes a line to write on by hand.
# One text for all languages:      purpose = "Research on lessons"
# or one for each language:        purpose = { en = "Research on lessons", de = "Unterrichtsforschung" }

controller = ""         # who decides what it is for and how, with address; without it who declared in [policy]
contact = ""            # where questions and objections go
officer = ""            # the data protection officer
authority = ""          # the supervisory authority for complaints
purpose = ""            # what the camera is for
closed = ""             # when the camera is closed: lessons, times
recipients = ""         # who sees the results
page_retention = ""     # how long the school's page and its exports keep figures
backup_retention = ""   # how long backups are kept
processor = ""          # who works on the data for the controller, and under which contract
broker = ""             # where the broker runs, and who looks after it
"""


def offer_details(folder: Path) -> None:
    """Put a file to fill in into the folder, unless there is one.

    Raises:
        InputError: It cannot be written.
    """
    path = folder / FILE
    if not path_exists(path):
        write_file(path, _TEMPLATE.encode(), PUBLIC)


def read_details(folder: Path) -> Details:
    """The school's answers in a folder; all empty where there is no file.

    Raises:
        ConfigError: The file is no TOML, or has a key or language that does not exist.
        InputError: One may not look into the folder.
    """
    path = folder / FILE
    if not path_exists(path):
        return Details()
    details = load_toml(path, Details)
    languages = get_args(Language)
    for name in Details.__struct_fields__:
        value = getattr(details, name)
        if isinstance(value, dict) and (unknown := sorted(set(value) - set(languages))):
            raise ConfigError(f"{path}: $.{name}.{unknown[0]}", expected=f"one of {', '.join(languages)}")
    return details


def text_in(text: Text, language: Language) -> str:
    """The text in a language, on one line. Where it is missing there, in English; else empty."""
    if isinstance(text, dict):
        text = text.get(language) or text.get("en", "")
    return " ".join(text.split())
