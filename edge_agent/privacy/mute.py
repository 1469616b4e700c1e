"""Whether the camera is to be closed, remembered on the device, so that it stays closed whatever restarts.

The retained ``desired`` topic is what counts, but a device may start before its broker does, and a broker may have
forgotten: it was killed, or keeps nothing. Then the last request still holds. Only an explicit ``"muted":false``
opens the camera again; a message that was deleted or does not mention it requests nothing.
"""

from __future__ import annotations

import logging
import shlex
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import CheckFailed, InputError
from edge_agent.files import SECRET, write_file

log = logging.getLogger(__name__)


class MuteRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was requested.

    Attributes:
        muted: Whether the camera is to be closed.
        issued_at: When, by the requester's clock: ISO 8601 in UTC; empty where it was not given.
    """

    muted: bool
    issued_at: str = ""


def supersedes(new: MuteRequest, last: MuteRequest | None) -> bool:
    """Whether a request counts although another was accepted before: unless both are dated and it is the older one.

    A broker that went back to an earlier state of its own sends what was requested then.
    """
    if last is None:
        return True
    was, then = _moment(last.issued_at), _moment(new.issued_at)
    return was is None or then is None or then >= was


def mute_file(folder: Path, site: str, device: str) -> Path:
    """Where a device remembers the request accepted last."""
    return folder / f"{site}.{device}.muted.json"


def examine_mute_file(path: Path) -> None:
    """Whether the request accepted last can be understood; it is fine where there is none.

    Raises:
        CheckFailed: It cannot, so that the agent keeps the camera closed.
    """
    try:
        decode_json(path.read_bytes(), MuteRequest)
    except FileNotFoundError:
        return
    except (OSError, *UNDECODABLE):
        raise CheckFailed(
            f"{path}: cannot be understood, so the camera stays closed",
            remedy='Request "muted":false. Where nobody has closed the camera, remove the file: sudo rm '
            + shlex.quote(str(path)),
        ) from None


class MuteMemory:
    """The mute request accepted last, kept in a file of the device's own. One thread at a time.

    Args:
        folder: Where the file is; ``None`` keeps the request for this run alone.
        site: With ``device`` the name of the file.
        device: The device's id.

    Attributes:
        muted: Whether the camera is to be closed. Also where the file is there and cannot be read: nobody knows then
            what was requested, and a camera wrongly closed does less harm than one wrongly open.
        failing: Whether the file could not be written, so that a restart may forget the request.
    """

    def __init__(self, folder: Path | None, site: str, device: str) -> None:
        self._path = None if folder is None else mute_file(folder, site, device)
        self._request: MuteRequest | None = None
        self._saved = True
        self.failing = False
        self.muted = self._load()

    def accept(self, request: MuteRequest) -> bool:
        """Whether a request counts; then it is the one accepted last, and :meth:`save` writes it to the file."""
        if not supersedes(request, self._request):
            log.warning(
                "muted = %s was requested at %s, which is older than the request before: ignored",
                str(request.muted).lower(),
                request.issued_at,
            )
            return False
        self._saved = self._saved and request == self._request
        self._request, self.muted = request, request.muted
        return True

    def save(self) -> None:
        """Write the request accepted last to the file, unless that was done. A failing disk is logged and reported."""
        if self._saved or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, msgspec.json.encode(self._request), SECRET)
        except (InputError, OSError) as error:
            self.failing = True
            log.error("muted = %s will not survive a restart: %s", str(self.muted).lower(), error)
        else:
            self._saved, self.failing = True, False

    def _load(self) -> bool:
        if self._path is None:
            return False
        try:
            self._request = decode_json(self._path.read_bytes(), MuteRequest)
        except FileNotFoundError:
            return False
        except (OSError, *UNDECODABLE) as error:
            log.error(
                '%s: cannot be read (%s): the camera stays closed until "muted":false is requested', self._path, error
            )
            return True
        return self._request.muted


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
