"""The device's side of enrolment. Its private key is made here and never leaves the device."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature

from edge_agent.addresses.parsing import check_host
from edge_agent.config import Settings, TlsSettings
from edge_agent.config_file import load_settings
from edge_agent.enrol.certificates import (
    key_pem,
    make_signing_request,
    new_key,
    read_certificate,
    read_key,
    read_model_public_key,
)
from edge_agent.enrol.requests import Request, Response
from edge_agent.enrol.settings_file import set_values
from edge_agent.errors import CheckFailed, InputError
from edge_agent.files import PUBLIC, SECRET, SHARED, make_folder, read_file, write_file

KEYS_FOLDER: Final = Path("/var/lib/edge-agent/tls")
"""Where an installed device keeps its key and certificates."""

_KEY: Final = "device.key"
_CERTIFICATE: Final = "device.crt"
_AUTHORITY: Final = "ca.crt"
_MODELS: Final = "models.pub"
_RENEW_DAYS: Final = 30
_NEW_KEY_REMEDY: Final = "Remove it, make a new request, and have the school revoke the old enrolment"


def make_device_request(settings: Settings, folder: Path) -> Request:
    """The request for this device. Makes its key unless it has one.

    Args:
        settings: The agent's, with the names in its topics.
        folder: For key and certificates.

    Raises:
        InputError: The key cannot be written, or the one that is there is broken.
    """
    _check_no_link(folder)
    path = folder / _KEY
    if not path.exists():
        make_folder(folder, 0o700)
        _give_to_service(folder)
        write_file(path, key_pem(new_key()), SECRET, owner=_service(folder))
    key = read_key(read_file(path, "this device's key"), str(path), _NEW_KEY_REMEDY)
    device = settings.device
    return Request(
        root=settings.mqtt.root, site=device.site, device=device.id, csr=make_signing_request(key, device.id[:64])
    )


def accept_response(response: Response, source: str, config: Path, folder: Path) -> None:
    """Put the certificates of a school's answer in place, and have the configuration use them.

    Args:
        response: The answer.
        source: Where it comes from, for error messages.
        config: The agent's TOML file, which is changed.
        folder: For key and certificates.

    Raises:
        InputError: The answer is for another device or another key, or a file cannot be written.
        ConfigError: The configuration is broken, or has to be changed by hand.
    """
    settings = load_settings(config)
    name, own = f"{response.site}/{response.device}", f"{settings.device.site}/{settings.device.id}"
    if name != own:
        raise InputError(
            f"{source}: for the device", received=name, expected=own, remedy="Use the answer made for this device"
        )
    check_host(response.host, f"{source}: its broker", "the port of the response", InputError)
    _check_no_link(folder)
    path = folder / _KEY
    key = read_key(read_file(path, "this device's key, from 'edge-agent enrol --request'"), str(path), _NEW_KEY_REMEDY)
    certificate = read_certificate(response.certificate.encode(), f"{source}: its certificate")
    authority = read_certificate(response.authority.encode(), f"{source}: its authority")
    if certificate.public_key() != key.public_key():
        raise InputError(
            f"{source}: its certificate",
            expected="one for this device's key",
            remedy="Make a new request: edge-agent enrol --request FILE",
        )
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        raise InputError(f"{source}: its certificate", expected="one signed by the authority it comes with") from None
    models = _model_settings(response, source, folder)
    changed = set_values(
        read_file(config, "the configuration").decode(),
        {
            "mqtt": {"host": response.host, "port": response.port},
            "mqtt.tls": {
                "enabled": True,
                "ca": str(folder / _AUTHORITY),
                "cert": str(folder / _CERTIFICATE),
                "key": str(folder / _KEY),
            },
            **models,
        },
    )
    write_file(folder / _AUTHORITY, response.authority.encode(), PUBLIC, owner=_service(folder))
    write_file(folder / _CERTIFICATE, response.certificate.encode(), PUBLIC, owner=_service(folder))
    if models:
        write_file(folder / _MODELS, response.models.encode(), PUBLIC, owner=_service(folder))
    found = config.stat()
    owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    write_file(config, changed.encode(), found.st_mode & 0o777 or SHARED, owner=owner)


def examine_certificates(tls: TlsSettings, now: datetime) -> str:
    """Whether this device's certificates are valid at this moment, in one line for people.

    Args:
        tls: Names the certificates' files.
        now: By the device's clock, which may be wrong.

    Raises:
        CheckFailed: One has expired, or by the clock is not valid yet.
        InputError: One cannot be read.
    """
    findings = ["the broker's certificate is checked" if tls.enabled else "no TLS"]
    for path in (tls.ca, tls.cert) if tls.enabled else ():
        if not path:
            continue
        certificate = read_certificate(read_file(Path(path), "a certificate"), path)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now < begins:
            raise CheckFailed(
                f"this device's clock is behind: it says {now:%Y-%m-%d}, and {path} is valid from {begins:%Y-%m-%d}",
                remedy="Give it access to a time server, or set it: sudo timedatectl set-time",
            )
        if now > ends:
            raise CheckFailed(
                f"{path} ended on {ends:%Y-%m-%d}, and the clock says {now:%Y-%m-%d}",
                remedy="Renew it on the school's side: edge-agent fleet renew",
            )
        if (ends - now).days < _RENEW_DAYS:
            findings.append(f"{path} ends in {(ends - now).days} days: renew it")
    return "; ".join(findings)


def _model_settings(response: Response, source: str, folder: Path) -> dict[str, dict[str, str]]:
    """The settings by table for taking the school's models; empty for a school that publishes none."""
    if not response.models:
        return {}
    read_model_public_key(response.models.encode(), f"{source}: its key for models")
    return {"update": {"key": str(folder / _MODELS)}}


def _service(folder: Path) -> tuple[int, int] | None:
    """The folder's user and group, to whom files made with sudo are given; ``None`` where this does not run as root."""
    if os.geteuid() != 0:
        return None
    found = folder.stat()
    return found.st_uid, found.st_gid


def _give_to_service(folder: Path) -> None:
    owner = _service(folder.parent)
    if owner is not None:
        os.chown(folder, *owner, follow_symlinks=False)


def _check_no_link(folder: Path) -> None:
    """Refuse a link: the service may write beside this folder and this runs as root, so it could lead anywhere."""
    if folder.is_symlink():
        raise InputError(
            f"{folder}: a link",
            expected="the folder itself, for keys and certificates",
            remedy="Name the folder it leads to with --keys, or remove the link",
        )
