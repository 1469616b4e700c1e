"""Which V4L2 cameras are there: their names, identities and modes, from device nodes, ioctls and sysfs."""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

DEV = Path("/dev")
SYS = Path("/sys")

QUERY_CAPABILITIES = 0x80685600
"""``VIDIOC_QUERYCAP`` of linux/videodev2.h: fills 104 bytes with driver, card, bus, version and capabilities."""

_CAPABILITIES = struct.Struct("16s32s32sIII12x")
_VIDEO_CAPTURE, _DEVICE_CAPS = 0x0000_0001, 0x8000_0000

_ENUM_FORMATS, _FORMAT = 0xC0405602, struct.Struct("=III32sI16x")
_ENUM_SIZES, _SIZE = 0xC02C564A, struct.Struct("=III6I8x")
_ENUM_INTERVALS, _INTERVAL = 0xC034564B, struct.Struct("=IIIII6I8x")
"""The other questions of linux/videodev2.h, and their answers: formats, sizes, and times between two frames."""

_DISCRETE = 1
_MAX_ANSWERS = 64
"""A broken driver may go on for ever."""

CSI_DRIVERS = frozenset({"unicam", "bcm2835-unicam", "rp1-cfe"})
"""A Pi's sensor interfaces: they deliver raw sensor data, which only libcamera turns into pictures."""

Ask = Callable[[Path, int, bytes], bytes]
"""Asks a device node: takes the node, the ioctl's number and its argument, gives the answer; raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """What distinguishes one camera from others. Empty where the system does not say it.

    Attributes:
        card: Its name, as the driver gives it.
        usb: Vendor and product of a USB device, ``046d:0825``.
        serial: The serial number of a USB device. Many cameras have none, or all the same.
        by_id: Its name under ``/dev/v4l/by-id``.
        place: Where a Pi's own camera is in the device tree. Cameras on USB may be plugged in anywhere.
    """

    card: str
    usb: str = ""
    serial: str = ""
    by_id: str = ""
    place: str = ""

    def same_as(self, other: CameraIdentity) -> bool:
        """Whether it can be the same camera: of two of one kind without serial numbers nobody can tell."""
        return (self.card, self.usb, self.serial, self.place) == (other.card, other.usb, other.serial, other.place)

    def __str__(self) -> str:
        """For people."""
        details = [self.usb and f"USB {self.usb}", self.serial and f"serial {self.serial}", self.place]
        inside = ", ".join(detail for detail in details if detail)
        return f"{self.card} ({inside})" if inside else self.card


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What a camera can deliver: ``MJPG``, pixels, and the most frames a second (0: it does not say)."""

    pixel_format: str
    width_px: int
    height_px: int
    max_fps: float


def ask_device(node: Path, number: int, argument: bytes) -> bytes:
    """Ask a device node by an ioctl.

    Raises:
        OSError: The node does not exist, may not be opened, or does not know the question.
    """
    import fcntl  # here, because Windows has none, and who only trains there needs other modules of this package

    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    try:
        return fcntl.ioctl(descriptor, number, argument)
    finally:
        os.close(descriptor)


def query(device: Path, ask: Ask = ask_device) -> tuple[str, str, int]:
    """Driver, card name and capability bits of a device node; raises ``OSError``."""
    return parse_capabilities(ask(device, QUERY_CAPABILITIES, bytes(_CAPABILITIES.size)))


def parse_capabilities(answer: bytes) -> tuple[str, str, int]:
    """Driver, card name and capability bits of this node from the 104 bytes of ``VIDIOC_QUERYCAP``."""
    driver, card, _, _, of_device, of_node = _CAPABILITIES.unpack(answer)
    texts = [text.split(b"\0")[0].decode(errors="replace") for text in (driver, card)]
    return texts[0], texts[1], of_node if of_device & _DEVICE_CAPS else of_device


def takes_pictures(capabilities: int) -> bool:
    """Whether a node with these capability bits gives pictures."""
    return bool(capabilities & _VIDEO_CAPTURE)


def card_name(device: Path) -> str | None:
    """The name of the camera behind a device node, or ``None`` where it is no camera for this source.

    One USB camera has several nodes, of which one gives pictures; codecs and a Pi's own sensor have nodes, too.

    Raises:
        OSError: The node does not exist or may not be opened.
    """
    driver, card, capabilities = query(device)
    return card if takes_pictures(capabilities) and driver not in CSI_DRIVERS else None


def list_cameras(dev: Path = DEV, camera_at: Callable[[Path], str | None] = card_name) -> list[tuple[Path, str]]:
    """The cameras that are there and may be opened, as node and name, those listed under ``by-id`` first."""
    by_id = sorted((dev / "v4l" / "by-id").glob("*"))
    numbered = sorted(dev.glob("video[0-9]*"), key=lambda node: (len(node.name), node.name))
    found: dict[Path, str] = {}
    for node in [link.resolve() for link in by_id] + numbered:
        try:
            card = camera_at(node)
        except OSError as error:
            log.debug("%s: passed over: %s", node, error)
            continue
        if card is not None:
            found.setdefault(node, card)
    return list(found.items())


def identity_of(node: Path, card: str, dev: Path = DEV, sys: Path = SYS) -> CameraIdentity:
    """What tells the camera behind a node from others.

    Args:
        node: The device node, or a link to it.
        card: Its name, as the driver gives it.
        dev: Where device nodes are.
        sys: Root of sysfs.
    """
    node = node.resolve()
    links = [link.name for link in sorted((dev / "v4l" / "by-id").glob("*")) if link.resolve() == node]
    usb = serial = ""
    # The node's device is one interface of the USB device, which is the folder above.
    device = (sys / "class" / "video4linux" / node.name / "device").resolve()
    for folder in (device, device.parent):
        vendor, product = _read(folder / "idVendor"), _read(folder / "idProduct")
        if vendor and product:
            usb, serial = f"{vendor}:{product}", _read(folder / "serial")
            break
    return CameraIdentity(card, usb, serial, links[0] if links else "")


def modes_of(node: Path, ask: Ask = ask_device) -> list[CameraMode]:
    """What a camera can deliver, by pixel format, largest pictures first; empty where it does not say."""
    modes: list[CameraMode] = []
    for (_, _, _, _, code), _ in _answers(node, _ENUM_FORMATS, _FORMAT, (1,), ask):
        name = struct.pack("=I", code).decode("ascii", "replace").strip()
        sizes = set()
        for (_, _, kind, *numbers), _ in _answers(node, _ENUM_SIZES, _SIZE, (code,), ask):
            # Of a range of sizes the largest; its fields are least, most and step of the width, then of the height.
            sizes.add((numbers[0], numbers[1]) if kind == _DISCRETE else (numbers[1], numbers[4]))
            if kind != _DISCRETE:
                break
        for width, height in sorted(sizes, reverse=True):
            fastest = 0.0
            for (*_, kind, first, second, _, _, _, _), _ in _answers(
                node, _ENUM_INTERVALS, _INTERVAL, (code, width, height), ask
            ):
                # As fractions of a second; of a range the shortest comes first.
                fastest = max(fastest, second / first if first else 0.0)
                if kind != _DISCRETE:
                    break
            modes.append(CameraMode(name, width, height, round(fastest, 2)))
    return modes


def _answers(
    node: Path, number: int, layout: struct.Struct, given: tuple[int, ...], ask: Ask
) -> Iterator[tuple[tuple[int, ...], int]]:
    """All answers to a question that is asked with a rising index until the driver knows no more."""
    for index in range(_MAX_ANSWERS):
        question = struct.pack(f"={1 + len(given)}I", index, *given).ljust(layout.size, b"\0")
        try:
            answer = ask(node, number, question)
        except OSError:
            return
        yield layout.unpack(answer), index


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
