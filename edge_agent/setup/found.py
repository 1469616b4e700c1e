"""What can be found by looking, as defaults of the answers."""

from __future__ import annotations

import os
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import DeviceSettings
from edge_agent.setup.countries import country_of_zone
from edge_agent.system.data_folders import writable_data_folder
from edge_agent.system.service_user import SERVICE_CONFIG_FOLDER
from edge_agent.system.timezone import timezone_name
from edge_agent.vision.camera_list import ListedCamera, present_cameras, refused_nodes

_DIAL_WITHIN_S = 0.5
_USUAL_NAMES = frozenset(
    ("raspberrypi", "raspberry", "rpi", "localhost", "debian", "ubuntu", "armbian", "orangepi", "rock", "jetson")
)
"""Names that a system gives to each machine it is put on."""
_NETWORK = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is there.

    Attributes:
        device_id: The machine's name, as a device's id may be.
        cameras: Cameras that this user may open.
        refused: Device nodes that this user may not open.
        timezone: The system's time zone; empty where it does not say.
        country: The country of the time zone, as a code; empty where it is not one country's.
        local_broker: Whether something listens on this machine where brokers do.
        outbox: Where the outbox should be.
    """

    device_id: str
    cameras: tuple[ListedCamera, ...]
    refused: tuple[Path, ...]
    timezone: str
    country: str
    local_broker: bool
    outbox: str


def look_around() -> Surroundings:
    """Look at this machine."""
    zone = timezone_name()
    return Surroundings(
        device_id=own_name(socket.gethostname()),
        cameras=tuple(present_cameras()),
        refused=tuple(refused_nodes()),
        timezone=zone,
        country=country_of_zone(zone),
        local_broker=_listens("127.0.0.1", 1883),
        outbox=str(writable_data_folder() / "outbox.db"),
    )


def default_file() -> Path:
    """Where the settings belong: the installed service's file where this user may write it, else the current folder."""
    installed = SERVICE_CONFIG_FOLDER / "agent.toml"
    return installed if os.access(SERVICE_CONFIG_FOLDER, os.W_OK) else Path("agent.toml")


def own_name(hostname: str, network: Path = _NETWORK) -> str:
    """A name that no other device has, from the machine's.

    Args:
        hostname: The machine's name. Where it is one that many have, the end of its network card's address is added: a
            school that puts the same system on fifty boards would else have fifty devices of the same name.
        network: Where the kernel lists network cards.
    """
    name = _as_id(hostname)
    if name.casefold() not in _USUAL_NAMES:
        return name
    ending = _card_ending(network)
    return f"{name}-{ending}" if ending else name


def _card_ending(network: Path) -> str:
    """The last six digits of the address of a real network card, wired ones first; empty where there is none."""
    found = []
    for card in sorted(network.glob("*")):
        try:
            address = (card / "address").read_text().strip().replace(":", "")
        except OSError:
            continue
        if (card / "device").exists() and re.fullmatch("[0-9a-f]{12}", address) and int(address, 16):
            found.append((card.name.startswith("w"), address[-6:]))
    return min(found)[1] if found else ""


def _as_id(hostname: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", hostname.partition(".")[0])[:64].lstrip("_.-")
    return name or DeviceSettings().id


def _listens(host: str, port: int) -> bool:
    try:
        with closing(socket.create_connection((host, port), _DIAL_WITHIN_S)):
            return True
    except OSError:
        return False
