"""Which camera the operator declared, remembered on the device, so that no other one takes its place silently.

The first camera that works is noted with the setting that named it and the declaration. Where either changes, the
operator has spoken anew, and the next camera that works is noted.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import CameraError
from edge_agent.files import replace_file
from edge_agent.rights import denied_read
from edge_agent.vision.v4l2_devices import CameraIdentity

log = logging.getLogger(__name__)

FILE = "camera.json"


class DeclaredCamera(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
        path: ``camera.path`` of the settings when it was noted.
        declaration: Hash of the operator's declaration then.
        card: See :class:`~edge_agent.vision.v4l2_devices.CameraIdentity`, as for the next three.
        usb: Vendor and product.
        serial: The serial number.
        by_id: The name under ``/dev/v4l/by-id``.
        place: Where a Pi's own camera is in the device tree.
    """

    path: str
    declaration: str
    card: str
    usb: str = ""
    serial: str = ""
    by_id: str = ""
    place: str = ""

    @property
    def identity(self) -> CameraIdentity:
        """Which camera it is."""
        return CameraIdentity(self.card, self.usb, self.serial, self.by_id, self.place)


class CameraMemory:
    """The camera that belongs to a declaration, kept in a file. One thread at a time.

    Where the file cannot be read, nobody knows which camera was declared: :meth:`check` refuses all.

    Args:
        folder: The state folder; ``None`` remembers for this run alone.
        declaration: Hash of the operator's declaration; ``None`` goes by the setting alone.
        read_only: Whether nothing is noted, for those who only look.
    """

    def __init__(self, folder: Path | None, declaration: str | None, *, read_only: bool = False) -> None:
        self._file = None if folder is None else folder / FILE
        self._declaration, self._read_only = declaration, read_only
        self._fault: CameraError | None = None
        self._known = self._load()

    def of(self, path: str) -> CameraIdentity | None:
        """The camera that was noted for ``camera.path``; ``None`` where none was, or the declaration has changed."""
        known = self._known
        if known is None or known.path != path or self._declaration not in (None, known.declaration):
            return None
        return known.identity

    def check(self, path: str, found: CameraIdentity | None) -> None:
        """Compare a camera with the one that was noted, before it is opened. ``None``: the system does not tell which.

        Raises:
            CameraError: It is another one, or what was noted cannot be read.
        """
        if self._fault is not None:
            raise self._fault
        known = self.of(path)
        if known is not None and found is not None and not known.same_as(found):
            raise CameraError(
                f"camera.path {path}",
                received=f"another camera: {found}",
                expected=f"the declared one: {known}",
                remedy=HOW_TO_CHANGE,
            )

    def note(self, path: str, found: CameraIdentity) -> None:
        """Note a camera that works, unless it is noted already."""
        if self._read_only or self.of(path) is not None:
            return
        self._known = DeclaredCamera(
            path=path,
            declaration=self._declaration or "",
            card=found.card,
            usb=found.usb,
            serial=found.serial,
            by_id=found.by_id,
            place=found.place,
        )
        log.info("camera %s belongs to the declaration from now on: %s", path, found)
        if self._file is None:
            return
        try:
            replace_file(self._file, msgspec.json.encode(self._known))
        except OSError as error:
            log.error("%s: the camera cannot be noted: %s", self._file, error.strerror)

    def _load(self) -> DeclaredCamera | None:
        if self._file is None:
            return None
        try:
            return decode_json(self._file.read_bytes(), DeclaredCamera)
        except FileNotFoundError:
            return None
        except OSError as error:
            words, remedy = denied_read(self._file, error)
            self._fault = CameraError(f"{self._file}: cannot be read: {words}", expected=_NOTED, remedy=remedy)
        except UNDECODABLE:
            self._fault = CameraError(str(self._file), received="a damaged file", expected=_NOTED, remedy=_HOW_TO_MEND)
        return None


_NOTED = "the camera that was declared"
_HOW_TO_MEND = (
    "See that the declared camera is plugged in, then have it noted anew: "
    "edge-agent cameras --forget --config FILE (with sudo on an installed device)"
)
HOW_TO_CHANGE = (
    "Plug the declared one in. If this one is meant: name it in camera.path as 'edge-agent cameras' lists it, "
    "or forget the other with 'edge-agent cameras --forget --config FILE'"
)


def forget(folder: Path) -> bool:
    """Forget the camera that was noted; whether there was one.

    Raises:
        CameraError: The file cannot be removed.
    """
    try:
        (folder / FILE).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CameraError(
            f"{folder / FILE}: cannot be removed: {error.strerror}", remedy="Run it as the agent's user, or with sudo"
        ) from None
    log.info("%s removed", folder / FILE)
    return True
