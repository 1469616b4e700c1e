"""Which settings signs and assessment were made from, and what has changed since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from edge_agent.addresses.masking import shown_path, shown_url
from edge_agent.config import Settings
from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import PUBLIC, read_file, write_file
from edge_agent.model_format.bundle import MODEL_ID_LENGTH
from edge_agent.model_format.bundled import model_path

FILE: Final = "fingerprint.json"
ASSESSMENT_FILE: Final = "assessment.md"
"""The draft in English; others have their language in the name."""

_SECTIONS: Final = ("device", "policy", "privacy", "summary", "smoothing", "metrics", "led")
"""Sections of which every key matters to the people in view, or to who can learn about them."""
_KEYS: Final = (
    "camera.source",
    "camera.path",
    "camera.url",
    "detector.ignore",
    "detector.watch",
    "classifier.model",
    "classifier.prior",
    "mqtt.host",
    "mqtt.port",
    "mqtt.root",
    "mqtt.tls.enabled",
    "home_assistant.enabled",
    "resting_face.learn",
    "outbox.path",
    "outbox.max_rows",
    "outbox.max_mb",
    "outbox.keep_delivered_h",
    "update.key",
)
_ADDRESS: Final = "camera.url"
_LATER: Final = ("camera.path", _ADDRESS, "mqtt.port")
"""A record without these says nothing about them: their defaults are those of hardly any device."""
_MAX_BYTES: Final = 1_000_000


class Record(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What lies beside the signs.

    Attributes:
        made_at: When they were made, ISO 8601 in UTC.
        fingerprint: SHA-256 over ``settings`` and ``details``, 64 hex digits.
        settings: The settings that matter, by key. They hold no password and no address with one.
        details: The school's answers.
        draft: SHA-256 of the assessment's draft as it was written: another file was worked on since. 64 hex digits.
        drafts: The same by the name of the file, for each language in which there is one.
        model: What every event called the model then; empty where that is not known.
    """

    made_at: str
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    settings: dict[str, Any]
    details: dict[str, Any]
    draft: str = ""
    drafts: dict[str, str] = {}
    model: str = ""

    def as_written(self, name: str) -> str:
        """SHA-256 of a draft as it was written; empty where that is not known."""
        return self.drafts.get(name, self.draft if name == ASSESSMENT_FILE else "")


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is no longer what the signs say.

    Attributes:
        key: Which.
        then: Its value when they were made.
        now: Its value now.
    """

    key: str
    then: Any
    now: Any

    def __str__(self) -> str:
        if self.key == _ADDRESS:  # without its secrets already
            return f'{self.key} was "{self.then}", is "{self.now}"'
        return f"{self.key} was {_shown(self.then)}, is {_shown(self.now)}"


def settings_that_matter(settings: Settings) -> dict[str, Any]:
    """The settings that decide what signs and assessment say, by key, as JSON holds them."""
    tree = msgspec.to_builtins(settings)
    found = {f"{section}.{key}": value for section in _SECTIONS for key, value in tree[section].items()}
    for key in _KEYS:
        value: Any = tree
        for part in key.split("."):
            value = value[part]
        found[key] = value
    # Another camera sees other people. Which one it is can be told without what may be a password.
    found[_ADDRESS] = shown_url(settings.camera.url).partition("?")[0] if settings.camera.url else ""
    found["camera.path"] = shown_path(settings.camera.path)
    return msgspec.json.decode(msgspec.json.encode(found))  # type: ignore[no-any-return]


def new_record(settings: Settings, details: msgspec.Struct, made_at: str) -> Record:
    """The record of signs that are made now.

    Args:
        settings: The device's.
        details: The school's answers.
        made_at: Now, ISO 8601 in UTC.
    """
    mattering, answers = settings_that_matter(settings), msgspec.to_builtins(details)
    content = msgspec.json.encode({"settings": mattering, "details": answers}, order="deterministic")
    return Record(
        made_at=made_at,
        fingerprint=hashlib.sha256(content).hexdigest(),
        settings=mattering,
        details=answers,
        model=model_in_file(settings),
    )


def model_in_file(settings: Settings) -> str:
    """What events call the model in the file that the settings name; empty where it cannot be read."""
    try:
        content = model_path(settings.classifier.model).read_bytes()
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(content).hexdigest()[:MODEL_ID_LENGTH]


def write_record(folder: Path, record: Record) -> None:
    """Lay the record beside the signs.

    Raises:
        InputError: It cannot be written.
    """
    write_file(folder / FILE, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n", PUBLIC)


def read_record(folder: Path) -> Record | None:
    """The record in a folder; ``None`` where there is none.

    Raises:
        InputError: It cannot be read, or is broken.
    """
    path = folder / FILE
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return decode_json(read_file(path, "a notice's record", max_bytes=_MAX_BYTES), Record)
    except UNDECODABLE as error:
        raise InputError(f"{path}: broken: {error}", remedy="Make the notice again: edge-agent notice") from None


def changes_since(record: Record, settings: Settings, details: msgspec.Struct) -> list[Change]:
    """What is different now from what signs and assessment were made from.

    A key that the record does not have came with a later version. It counts where it is not at its default.
    """
    changes = []
    before, after, defaults = record.settings, settings_that_matter(settings), settings_that_matter(Settings())
    for key in sorted({*before, *after}):
        then = before.get(key, after.get(key) if key in _LATER else defaults.get(key))
        now = after.get(key)
        if then != now and key in after:
            changes.append(Change(key, then, now))
    model = model_in_file(settings)
    if record.model and model and record.model != model and "classifier.model" not in {one.key for one in changes}:
        changes.append(Change("the model in the file of classifier.model", record.model, model))
    answers = msgspec.to_builtins(details)
    for key in sorted({*record.details, *answers}):
        then, now = record.details.get(key, ""), answers.get(key, "")
        if then != now:
            changes.append(Change(f"{key} in details.toml", then, now))
    return changes


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{shown_path(value)}"'
    return msgspec.json.encode(value).decode()
