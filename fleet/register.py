"""The register of a school's devices: who was given which certificate.

It is one JSON file, and the only source of the broker's access rules and revocation list.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec.structs import replace

from edge_agent.addresses.parsing import parse_host
from edge_agent.config import Name
from edge_agent.decoding import UNDECODABLE, convert, decode_json
from edge_agent.errors import InputError, Rejected
from edge_agent.files import SECRET, path_exists, read_file, write_file

_MAX_NAME = 64
"""X.509's limit for a common name."""
_MAX_HOST = 253
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_RANDOM_CHARS = 16


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate: its serial number in hex, when it was issued and until when it is valid."""

    serial: str
    at: datetime
    until: datetime


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment. A device that was enrolled several times has several; all but the last are revoked.

    Attributes:
        site: Where it is.
        device: Its id.
        identity: Its user name and client id at the broker. Part of it is random, so that no other account can guess it
            to take over its session. Every enrolment has a new one.
        issued: Its certificates, oldest first.
        certificate: The last of them in PEM form.
        revoked_at: When it was revoked; ``None`` where it is not.
    """

    site: Name
    device: Name
    identity: str
    issued: tuple[Issued, ...]
    certificate: str
    revoked_at: datetime | None = None

    @property
    def name(self) -> str:
        """``site/device``, as commands take it."""
        return f"{self.site}/{self.device}"

    @property
    def until(self) -> datetime:
        """When its certificate expires."""
        return self.issued[-1].until


class School(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all devices of a school.

    Attributes:
        name: The school's name.
        root: First part of all topics.
        hosts: Names and addresses of the broker; devices are given the first.
        port: The broker's port for clients with a certificate.
        broker_folder: Where the broker reads certificates and access rules.
        reload: Command that makes the broker read them again, without a shell; empty for none.
        reader: Identity of the fleet commands themselves.
    """

    name: str
    root: Name
    hosts: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    port: int
    broker_folder: str
    reload: tuple[str, ...]
    reader: str


class Register(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """Everything the school's tools know. Methods that change something return a new register.

    Attributes:
        school: The broker and its surroundings.
        devices: All enrolments ever.
        edition: Rises with every change that the broker has to apply.
    """

    school: School
    devices: tuple[Device, ...] = ()
    edition: int = 0

    @property
    def active(self) -> tuple[Device, ...]:
        """The devices that have access, sorted by name."""
        return tuple(sorted((entry for entry in self.devices if entry.revoked_at is None), key=lambda e: e.name))

    def find_even_revoked(self, name: str) -> Device:
        """As :meth:`find`; where none of that name is enrolled, the one that was revoked last.

        Raises:
            InputError: There is none, or several.
        """
        named = [entry for entry in self.devices if name in (entry.name, entry.device)]
        revoked = [entry for entry in named if entry.revoked_at is not None]
        if len(revoked) < len(named) or len({entry.name for entry in revoked}) != 1:
            return self.find(name)
        return max(revoked, key=lambda entry: (entry.revoked_at, entry.issued[-1].at))

    def find(self, name: str) -> Device:
        """An enrolled device by ``site/device``, or by its id alone where only one site has it.

        Raises:
            InputError: There is none, or several.
        """
        found = [entry for entry in self.active if name in (entry.name, entry.device)]
        if not found:
            raise InputError(f"{name}: no such device is enrolled", remedy="See 'edge-agent fleet list'")
        if len(found) > 1:
            names = ", ".join(entry.name for entry in found)
            raise InputError(
                f"{name}: several devices have this id", received=names, remedy="Name the site, too: site/device"
            )
        return found[0]

    def next_edition(self, now: datetime) -> int:
        """The number of a change made now. Time is part of it: a register restored from a backup repeats no number."""
        return max(self.edition + 1, int(now.timestamp()))

    def with_device(self, device: Device, now: datetime) -> Register:
        """With a device added, or put in the place of the one with its identity."""
        others = tuple(entry for entry in self.devices if entry.identity != device.identity)
        return replace(self, devices=(*others, device), edition=self.next_edition(now))

    def revoked(self) -> list[tuple[int, datetime]]:
        """Serial number of each revoked certificate, and when it was revoked."""
        return [
            (int(issued.serial, 16), entry.revoked_at)
            for entry in self.devices
            if entry.revoked_at is not None
            for issued in entry.issued
        ]


def check_school(school: School) -> None:
    """Check the values that a fleet is created with.

    Raises:
        InputError: A value cannot be stored, or put in a certificate.
    """
    if not 1 <= len(school.name) <= _MAX_NAME:
        raise InputError("the school's name", received=f"{len(school.name)} characters", expected="1 to 64")
    if not school.name.isprintable():
        raise InputError("the school's name", received=repr(school.name), expected="one that can be printed in a line")
    for host in school.hosts:
        check_host_name(host)
    try:
        convert(school.root, Name)
    except msgspec.ValidationError:
        raise InputError(
            "--root", received=repr(school.root), expected="1 to 64 letters, digits, . - and _, first a letter or digit"
        ) from None


def check_host_name(host: str) -> None:
    """Check a name or address that is to stand in a certificate.

    Raises:
        InputError: It is neither.
    """
    if not _is_host(host):
        raise InputError(
            "--host",
            received=_shown(host),
            expected="a name such as broker.school.lan, or an address",
            remedy="Write other letters than a to z as DNS does: xn--...",
        )


def _shown(host: str) -> str:
    """The host for a message. A longer address, in which a password may stand, is not quoted."""
    judged = parse_host(host)
    plain = re.fullmatch(r"[\w. -]*", host) is not None
    return judged.reason if isinstance(judged, Rejected) and not plain else repr(host)


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= _MAX_HOST and _HOST.fullmatch(text) is not None
    return True


def new_identity(readable: str) -> str:
    """A user name that nobody can guess: as much of the readable part as fits a certificate, then 79 random bits."""
    random_part = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    return f"{readable[: _MAX_NAME - _RANDOM_CHARS - 1]}:{random_part}"


def utc_now() -> datetime:
    """This moment in UTC, in whole seconds as certificates have it."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def read_register(folder: Path) -> Register:
    """Read the register of a school's folder.

    Raises:
        InputError: There is none, or it is broken.
    """
    path = folder / "register.json"
    if not path_exists(path):
        raise InputError(f"{folder}: no fleet here", remedy="Name its folder with --folder, or make one: fleet init")
    try:
        return decode_json(read_file(path, "a fleet's register"), Register)
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Restore the folder from its backup") from None


def write_register(folder: Path, register: Register) -> None:
    """Replace the register in one step.

    Raises:
        InputError: It cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(register), indent=2) + b"\n"
    write_file(folder / "register.json", content, SECRET)
