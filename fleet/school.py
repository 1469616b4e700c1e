"""What a school does with its fleet: create it, enrol, renew, revoke. Every step leaves all files whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from edge_agent.enrol.certificates import (
    certificate_pem,
    key_pem,
    new_key,
    read_certificate,
    requested_key,
)
from edge_agent.enrol.requests import Request, Response
from edge_agent.errors import AgentError, InputError
from edge_agent.files import PUBLIC, SECRET, folder_lock, make_folder, path_exists, read_file, write_file
from fleet.access import check_no_clash
from fleet.authority import Authority
from fleet.broker_files import rules_are_current, server_is_ours, write_rules, write_server
from fleet.model_key import MODEL_KEY, model_key, public_pem
from fleet.register import (
    Device,
    Issued,
    Register,
    School,
    new_identity,
    read_register,
    write_register,
)

VALIDITY: Final = timedelta(days=730)
"""How long certificates of devices and of the broker are valid."""
DUE_WITHIN: Final = timedelta(days=90)
"""How long before its end a certificate is due for renewal."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A school's folder, opened. The authority's key lies in it, and only the folder's owner can read it.

    Attributes:
        folder: Where it is.
        register: The devices.
        authority: The school's own.
    """

    folder: Path
    register: Register
    authority: Authority

    @classmethod
    def create(cls, folder: Path, school: School, now: datetime) -> Fleet:
        """Make a new authority, its folder and the broker's files.

        Raises:
            InputError: There is a fleet in the folder already, or part of one, or something cannot be written. Nothing
                is left in the folder then.
        """
        if path_exists(folder / "register.json"):
            raise InputError(f"{folder}: a fleet is here already", remedy="Use it, or name another folder")
        if path_exists(folder / "ca.key"):
            raise InputError(
                f"{folder}: an authority's key is here, but no register",
                remedy="Restore the folder from its backup, or name another folder",
            )
        make_folder(folder, 0o700)
        authority = Authority.create(school.name, now)
        fleet = cls(folder, Register(school=school), authority)
        try:
            write_file(folder / "ca.key", key_pem(authority.key), SECRET)
            write_file(folder / "ca.crt", certificate_pem(authority.certificate), PUBLIC)
            fleet._write_tools_certificate(now)
            model_key(folder)
            write_server(fleet.register, authority, now, VALIDITY)
            write_rules(folder, fleet.register, authority, now)
            # Last: a folder with a register is complete.
            write_register(folder, fleet.register)
        except InputError:  # an authority that nobody has used yet would only prevent the next attempt
            for name in ("ca.key", "ca.crt", "reader.key", "reader.crt", MODEL_KEY):
                (folder / name).unlink(missing_ok=True)
            raise
        return fleet

    @classmethod
    def open(cls, folder: Path) -> Fleet:
        """The fleet in a folder.

        Raises:
            InputError: There is none, it is broken, or its key may not be read.
        """
        register = read_register(folder)
        key = read_file(folder / "ca.key", "the authority's key")
        return cls(folder, register, Authority.from_pem(key, read_file(folder / "ca.crt", "its certificate")))

    @classmethod
    @contextmanager
    def changing(cls, folder: Path) -> Iterator[Fleet]:
        """The fleet in a folder, locked against changes by other commands.

        Raises:
            InputError: As :meth:`open`, or the folder cannot be written.
        """
        read_register(folder)  # where there is no fleet, its error is the right one
        with folder_lock(folder):
            yield cls.open(folder)

    def add(self, request: Request, source: str, now: datetime) -> tuple[Fleet, Response]:
        """Enrol a device.

        Raises:
            InputError: The request is broken, for other topics, or the device is enrolled with another key.
        """
        school = self.register.school
        if request.root != school.root:
            raise InputError(
                f"{source}: mqtt.root",
                received=request.root,
                expected=school.root,
                remedy="Set it in the device's configuration and make a new request",
            )
        key = requested_key(request.csr, source)
        name = f"{request.site}/{request.device}"
        enrolled = [entry for entry in self.register.active if entry.name == name]
        if enrolled and _public_key(enrolled[0]) != key:
            raise InputError(
                f"{name} is enrolled with another key",
                expected="a device.id of its own for each device",
                remedy=f"If it was installed again, first: edge-agent fleet revoke {name}",
            )
        if enrolled:
            return self.renew(enrolled[0], now)
        check_no_clash(self.register, request.site, request.device)
        # Who steals the key of one device could act as the other, also after the first is revoked.
        same_key = [entry.name for entry in self.register.active if _public_key(entry) == key]
        if same_key:
            raise InputError(
                f"{name} has the same private key as {same_key[0]}",
                expected="each device's own",
                remedy="Where a card was copied, on the copy: sudo rm -r /var/lib/edge-agent/tls, "
                "and make a new request",
            )
        identity = new_identity(f"{request.site}:{request.device}")
        blank = Device(site=request.site, device=request.device, identity=identity, issued=(), certificate="")
        return self._certify(blank, key, now)

    def renew(self, device: Device, now: datetime) -> tuple[Fleet, Response]:
        """A new certificate for the key and identity that a device has. The old one stays valid until it expires."""
        return self._certify(device, _public_key(device), now)

    def renew_broker(self, now: datetime) -> Fleet:
        """New certificates for the broker and for the fleet commands."""
        self._write_tools_certificate(now)
        write_server(self.register, self.authority, now, VALIDITY)
        return self._with_new_rules(now)

    def with_current_rules(self, now: datetime) -> Fleet | None:
        """Write the broker's files as this version does; ``None`` where they are so already."""
        return None if rules_are_current(self.folder, self.register) else self._with_new_rules(now)

    def apply(self, now: datetime) -> Fleet:
        """Write the broker's files again; also its key and certificate, where it has none of this authority's."""
        if not server_is_ours(self.register, self.authority):
            write_server(self.register, self.authority, now, VALIDITY)
        return self._with_new_rules(now)

    def revoke(self, device: Device, now: datetime) -> Fleet:
        """Remove a device from the access rules, and put its certificates on the revocation list.

        A revoked one keeps its time of revocation, and the broker's files are written again.
        """
        return self._changed(self.register.with_device(replace(device, revoked_at=device.revoked_at or now), now), now)

    def due(self, now: datetime) -> tuple[Device, ...]:
        """Devices whose certificate has expired or will soon."""
        return tuple(device for device in self.register.active if device.until - now < DUE_WITHIN)

    def broker_until(self) -> datetime:
        """When the broker's own certificate expires."""
        path = Path(self.register.school.broker_folder) / "server.crt"
        return read_certificate(read_file(path, "the broker's certificate"), str(path)).not_valid_after_utc

    def _certify(self, device: Device, key: ec.EllipticCurvePublicKey, now: datetime) -> tuple[Fleet, Response]:
        certificate = self.authority.issue(device.identity, key, "client", now=now, valid=VALIDITY)
        pem = certificate_pem(certificate).decode()
        issued = Issued(serial=f"{certificate.serial_number:x}", at=now, until=now + VALIDITY)
        device = replace(device, issued=(*device.issued, issued), certificate=pem)
        school = self.register.school
        response = Response(
            site=device.site,
            device=device.device,
            host=school.hosts[0],
            port=school.port,
            certificate=pem,
            authority=certificate_pem(self.authority.certificate).decode(),
            models=public_pem(model_key(self.folder)).decode(),
        )
        return self._changed(self.register.with_device(device, now), now), response

    def _with_new_rules(self, now: datetime) -> Fleet:
        return self._changed(replace(self.register, edition=self.register.next_edition(now)), now)

    def _changed(self, register: Register, now: datetime) -> Fleet:
        """Write the register first: the broker's files are made from it, and can be made again."""
        write_register(self.folder, register)
        try:
            write_rules(self.folder, register, self.authority, now)
        except AgentError as error:
            raise InputError(
                f"the register is changed, but not the broker's files: {str(error).rstrip('.')}",
                remedy="Then run this again",
            ) from None
        return Fleet(self.folder, register, self.authority)

    def _write_tools_certificate(self, now: datetime) -> None:
        key = new_key()
        certificate = self.authority.issue(
            self.register.school.reader, key.public_key(), "client", now=now, valid=VALIDITY
        )
        write_file(self.folder / "reader.key", key_pem(key), SECRET)
        write_file(self.folder / "reader.crt", certificate_pem(certificate), PUBLIC)


def _public_key(device: Device) -> ec.EllipticCurvePublicKey:
    key = read_certificate(device.certificate.encode(), f"the certificate of {device.name}").public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key
