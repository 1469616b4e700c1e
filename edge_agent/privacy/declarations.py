"""The device's own record of what its operator declared: who said what when, once a change, never rewritten.

The record holds names and stays on the device, readable by the agent's user alone. What leaves it is a hash that an
auditor can hold against the record: an HMAC-SHA256 of the whole declaration, keyed with 256 random bits that stand only
in the record. Without them nobody can find out whose name went into it, not even by trying every name of a school.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path

import msgspec

from edge_agent.decoding import decode_json
from edge_agent.errors import ConfigError
from edge_agent.privacy.policy import Declaration

log = logging.getLogger(__name__)

FILE = "declarations.jsonl"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the record.

    Attributes:
        at: When, ISO 8601 in UTC, as far as the device's clock knew.
        device: Which, as ``site/id``.
        jurisdiction: See :class:`~edge_agent.privacy.policy.Declaration`, as for the next three.
        setting: Where the camera hangs.
        legal_basis: On what basis.
        declared_by: Who answers for it.
        salt: The key of the hash, 64 hex digits.
        hash: What ``status`` publishes, 64 hex digits.
    """

    at: str
    device: str
    jurisdiction: str
    setting: str
    legal_basis: str
    declared_by: str
    salt: str
    hash: str

    @property
    def declaration(self) -> Declaration:
        """What was declared."""
        return Declaration(self.jurisdiction, self.setting, self.legal_basis, self.declared_by)


def hash_of(declaration: Declaration, salt: str) -> str:
    """The hash by which a declaration is known outside the device; ``salt`` in hex."""
    content = msgspec.json.encode(declaration, order="deterministic")
    return hmac.new(bytes.fromhex(salt), content, hashlib.sha256).hexdigest()


def record_declaration(declaration: Declaration, device: str, folder: Path, at: str) -> Entry:
    """Add a declaration to the record unless it is the last one of this device; the entry that stands.

    Raises:
        ConfigError: The record cannot be written.
    """
    path = folder / FILE
    last = _last(path, device)
    if last is not None and last.declaration == declaration:
        return last
    salt = secrets.token_hex(32)
    entry = Entry(
        at=at,
        device=device,
        jurisdiction=declaration.jurisdiction,
        setting=declaration.setting,
        legal_basis=declaration.legal_basis,
        declared_by=declaration.declared_by,
        salt=salt,
        hash=hash_of(declaration, salt),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _append(path, msgspec.json.encode(entry))
    except OSError as error:
        raise ConfigError(
            f"{path}: the declaration cannot be recorded: {error.strerror}",
            remedy="Make room, or let the agent's user write there",
        ) from None
    log.info("declaration %s recorded in %s: basis %s", entry.hash[:12], path, entry.legal_basis)
    return entry


def recorded_declaration(declaration: Declaration, device: str, folder: Path) -> Entry | None:
    """The entry of the record that says the same; ``None`` where the last one of this device says something else.

    Args:
        declaration: What the settings say.
        device: Which, as ``site/id``.
        folder: The folder of the record.
    """
    last = _last(folder / FILE, device)
    return last if last is not None and last.declaration == declaration else None


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        # A line that a power cut tore is left as it is; it must not swallow the next one.
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + line + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def _last(path: Path, device: str) -> Entry | None:
    """The newest entry for a device that is whole and carries the right hash."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.error("%s: cannot be read: %s", path, error.strerror)
        return None
    for line in reversed(lines):
        try:
            entry = decode_json(line, Entry)
            genuine = hmac.compare_digest(hash_of(entry.declaration, entry.salt), entry.hash)
        except (msgspec.DecodeError, ValueError):
            continue
        if entry.device == device:
            return entry if genuine else None
    return None
