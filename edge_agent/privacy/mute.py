"""Whether the camera is to be closed, remembered on the device, so that it stays closed whatever restarts.

The retained ``desired`` topic is what counts, but a device may start before its broker does, and a broker may have
forgotten: it was killed, or keeps nothing. Then what was last asked for still holds. Only an explicit ``"muted":false``
opens the camera again; a message that was deleted or is silent about it asks for nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from edge_agent.files import SECRET, write_file

log = logging.getLogger(__name__)


class MuteRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for.

    Attributes:
        muted: Whether the camera is to be closed.
        issued_at: When, by the clock of who asked: ISO 8601 in UTC; empty where it was not said.
    """

    muted: bool
    issued_at: str = ""


def overrides(new: MuteRequest, last: MuteRequest | None) -> bool:
    """Whether a wish counts although another was obeyed before: unless both are dated and it is the older one.

    A broker that went back to an earlier state of its own sends what was asked for then.
    """
    if last is None:
        return True
    was, then = _moment(last.issued_at), _moment(new.issued_at)
    return was is None or then is None or then >= was


class MuteMemory:
    """The wish obeyed last, kept in a file of the device's own. One thread at a time.

    Args:
        folder: Where the file is; ``None`` keeps the wish for this run alone.
        site: With ``device`` the name of the file.
        device: The device's id.

    Attributes:
        muted: Whether the camera is to be closed. Also where the file is there and cannot be read: nobody knows then
            what was asked for, and a camera wrongly closed does less harm than one wrongly open.
        failing: Whether the file could not be written, so that a restart may forget the wish.
    """

    def __init__(self, folder: Path | None, site: str, device: str) -> None:
        self._path = None if folder is None else folder / f"{site}.{device}.muted.json"
        self._wish: MuteRequest | None = None
        self._kept = True
        self.failing = False
        self.muted = self._recall()

    def obey(self, wish: MuteRequest) -> bool:
        """Whether a wish counts; then it is the one obeyed last, and :meth:`keep` writes it down."""
        if not overrides(wish, self._wish):
            log.warning(
                "asked for muted = %s at %s, which is older than what was asked for before: ignored",
                str(wish.muted).lower(),
                wish.issued_at,
            )
            return False
        self._kept = self._kept and wish == self._wish
        self._wish, self.muted = wish, wish.muted
        return True

    def keep(self) -> None:
        """Write down the wish obeyed last, unless that was done. A disk that fails is logged and told."""
        if self._kept or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, msgspec.json.encode(self._wish), SECRET)
        except (InputError, OSError) as error:
            self.failing = True
            log.error("muted = %s will not survive a restart: %s", str(self.muted).lower(), error)
        else:
            self._kept, self.failing = True, False

    def _recall(self) -> bool:
        if self._path is None:
            return False
        try:
            self._wish = msgspec.json.decode(self._path.read_bytes(), type=MuteRequest)
        except FileNotFoundError:
            return False
        except (OSError, *UNDECODABLE) as error:
            log.error(
                '%s: cannot be read (%s): the camera stays closed until "muted":false is asked for', self._path, error
            )
            return True
        return self._wish.muted


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
