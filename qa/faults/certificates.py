"""Faults of certificates: one of them has expired, or is not valid yet, until somebody renews it."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

from qa.faults.rig import Rig
from tests.support.brokers_certificates import TestAuthority

TLS_LISTENER = """\
persistence true
persistence_location {folder}/
listener {tls_port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/broker.crt
keyfile {folder}/broker.key
require_certificate true
"""
_ADDRESS = ("127.0.0.1",)
_OUT_OF_DATE = {"expired": (-300, -0.01), "not yet valid": (0.5, 300)}
"""From when and until when it is valid, in days from now."""


def out_of_date(rig: Rig) -> None:
    """Before the broker starts: the authority's, the broker's or the device's certificate is out of date."""
    which = rig.rng.choice(("broker", "broker", "device", "device", "authority"))
    begins, ends = _OUT_OF_DATE[rig.rng.choice(sorted(_OUT_OF_DATE))]
    old = (begins, ends) if which == "authority" else (-400, 400)
    authority = TestAuthority(rig.folder / "authority", begins=old[0], ends=old[1])
    rig.prepared = authority
    _copy(rig, authority.file, rig.broker.folder / "ca.crt")
    _copy(rig, authority.file, rig.folder / "device-ca.crt")
    for holder, folder in (("broker", rig.broker.folder), ("device", rig.folder)):
        dates = (begins, ends) if which == holder else (-300, 300)
        _issue(rig, authority, holder, folder, *dates)
    rig.mqtt = (
        f'[mqtt.tls]\nenabled = true\nca = "{rig.folder / "device-ca.crt"}"\n'
        f'cert = "{rig.folder / "device.crt"}"\nkey = "{rig.folder / "device.key"}"'
    )


def renewed(rig: Rig) -> None:
    """The device is refused or refuses the broker for a while, then all certificates are renewed."""
    rig.wait_for_log("refuses the connection")
    rig.wait_for_events(rig.rng.randint(1, 200))
    assert isinstance(rig.prepared, TestAuthority)
    authority = rig.prepared
    authority_ended = authority.certificate.not_valid_after_utc < datetime.now(timezone.utc) + timedelta(days=350)
    if authority_ended:
        authority = TestAuthority(rig.folder / "new-authority", "new-ca")
        _copy(rig, authority.file, rig.broker.folder / "ca.crt")
        _copy(rig, authority.file, rig.folder / "device-ca.crt")
    renewals = [("broker", rig.broker.folder), ("device", rig.folder)]
    for holder, folder in rig.rng.sample(renewals, 2):
        _issue(rig, authority, holder, folder, -1, 300)
        rig.pause(0.0, 0.5)
    if authority_ended:  # Mosquitto 2.0 reads its own certificate again when it reloads, and authorities when it starts
        rig.broker.stop()
        rig.broker.start()
    else:
        rig.broker.reload()


def _issue(rig: Rig, authority: TestAuthority, holder: str, folder: Path, begins: float, ends: float) -> None:
    certificate, key = authority.issue(holder, _ADDRESS, begins, ends)
    _copy(rig, key, folder / f"{holder}.key")
    _copy(rig, certificate, folder / f"{holder}.crt")


def _copy(rig: Rig, source: Path, target: Path) -> None:
    """Put a file in place at once, as ``edge-agent`` writes them."""
    new = rig.folder / "new"
    shutil.copy(source, new)
    new.replace(target)
