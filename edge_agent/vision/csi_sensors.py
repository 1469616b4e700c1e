"""Which ribbon-cable (CSI) cameras a Raspberry Pi has, from sysfs: the sensor's name and its place in the device tree.

Such cameras have no serial number. So another camera is noticed where it has another sensor or is at another connector.
"""

from __future__ import annotations

import re
from pathlib import Path

from edge_agent.vision.v4l2_devices import SYS, CameraIdentity

_ON_I2C = re.compile(r"(?P<sensor>.+) \d+-[0-9a-f]{4}")
"""How the kernel names a subdevice on an I2C bus: ``imx708_wide 10-001a``."""
_TREE = "devicetree/base/"
_MAX_SUBDEVICES = 256


def csi_sensors(sys: Path = SYS) -> list[CameraIdentity]:
    """The sensors that the kernel has found, in the order of the camera program's numbers.

    ``place`` is what libcamera calls the camera's id, such as ``/base/soc/i2c0mux/i2c@1/imx219@10``. Empty where the
    system shows none.

    Args:
        sys: Root of sysfs.
    """
    found: dict[str, CameraIdentity] = {}
    for folder in sorted((sys / "class" / "video4linux").glob("v4l-subdev*"))[:_MAX_SUBDEVICES]:
        named = _ON_I2C.fullmatch(_name(folder))
        node = (folder / "device" / "of_node").resolve()
        # A lens motor is on the same bus. Only what sends pictures has a port there.
        if named is None or not any(node.glob("port*")):
            continue
        place = str(node).partition(_TREE)[2]
        if place:
            found.setdefault(place, CameraIdentity(named["sensor"], place=f"/base/{place}"))
    # The camera programs number cameras by their ids, the last first.
    return [found[place] for place in sorted(found, reverse=True)]


def csi_camera(path: str, sys: Path = SYS) -> CameraIdentity | None:
    """The camera that ``camera.path`` chooses; ``None`` where the system does not show it.

    Args:
        path: A number among several, or anything else for the first.
        sys: Root of sysfs.
    """
    sensors, number = csi_sensors(sys), int(path) if path.isdecimal() else 0
    return sensors[number] if number < len(sensors) else None


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
