"""Words of the devices in the page's languages: conditions, expressions, roles. A new word is shown as it is."""

from __future__ import annotations

from typing import Final, NamedTuple

from dashboard.access.audit import Action
from dashboard.access.roles import Role
from dashboard.catalogue import _
from dashboard.charts.happenings import CAMERA_WORDS
from dashboard.live.attention import Condition
from edge_agent.protocol.problems import PROBLEMS, Problem


class Entry(NamedTuple):
    """A page in the menu, for those with a role; for all where it is ``None``."""

    path: str
    name: str
    role: str | None = None


MENU: Final = (
    Entry("/", _("Rooms")),
    Entry("/devices", _("Devices")),
    Entry("/operate", _("Operate"), "operator"),
    Entry("/data", _("Data"), "data_officer"),
    Entry("/log", _("Log")),
)
"""The pages in the menu, in their order."""

ROLE_NAMES: Final[dict[Role, str]] = {
    "teacher": _("teacher"),
    "operator": _("operator"),
    "data_officer": _("data officer"),
}
"""What a role is called."""

ACTION_NAMES: Final[dict[Action, str]] = {
    "login": _("Logged in"),
    "login_failed": _("Wrong password"),
    "logout": _("Logged out"),
    "look": _("Looked"),
    "report": _("Looked at a report"),
    "export": _("Exported"),
    "command": _("Sent a command"),
    "erase": _("Erased"),
    "accounts": _("Changed an account"),
    "data": _("Looked at what is stored"),
}
"""What the log calls what somebody did."""

STORED_NAMES: Final[dict[str, str]] = {
    "windows": _("Figures of groups, at full resolution"),
    "minutes": _("Figures of groups, by the minute"),
    "faces": _("Events of single faces"),
    "health": _("Reports of devices"),
    "statuses": _("Starts and ends of devices"),
    "markers": _("What happened to devices"),
}
"""What kinds of stored rows are called."""

CONDITIONS: Final[dict[Condition, str]] = {
    Condition.OK: _("Live"),
    Condition.TOO_FEW: _("Too few to show"),
    Condition.WAITING: _("Waiting for the first figures"),
    Condition.STARTING: _("Camera starting"),
    Condition.MUTED: _("Camera closed on request"),
    Condition.ENDED: _("Recording ended"),
    Condition.OFFLINE: _("Switched off"),
    Condition.DARK: _("Picture is dark"),
    Condition.FROZEN: _("Picture is frozen"),
    Condition.STALLED: _("Camera sends no pictures"),
    Condition.FAILED: _("Camera cannot be opened"),
    Condition.SILENT: _("No new figures"),
    Condition.STALE: _("No sign of life"),
    Condition.DEAD: _("Connection broken"),
    Condition.BROKER_GONE: _("No connection to the broker"),
    Condition.UNKNOWN: _("Nothing known yet"),
}
"""What a condition is called."""

ICONS: Final[dict[Condition, str]] = {
    Condition.OK: "live",
    Condition.TOO_FEW: "few",
    Condition.WAITING: "wait",
    Condition.STARTING: "wait",
    Condition.MUTED: "muted",
    Condition.ENDED: "stop",
    Condition.OFFLINE: "off",
    Condition.DARK: "dark",
    Condition.FROZEN: "frozen",
    Condition.STALLED: "camera",
    Condition.FAILED: "camera",
    Condition.SILENT: "silent",
    Condition.STALE: "stale",
    Condition.DEAD: "dead",
    Condition.BROKER_GONE: "broker",
    Condition.UNKNOWN: "unknown",
}
"""Which picture stands beside it, so that colour is not all that tells them apart."""

TONES: Final[dict[Condition, str]] = {
    **dict.fromkeys(Condition, "alarm"),
    **dict.fromkeys((Condition.DARK, Condition.FROZEN, Condition.UNKNOWN), "warn"),
    **dict.fromkeys((Condition.MUTED, Condition.OFFLINE, Condition.ENDED, Condition.TOO_FEW), "calm"),
    **dict.fromkeys((Condition.STARTING, Condition.WAITING), "info"),
    Condition.OK: "good",
}
"""How loud a condition is: the class of its colours."""

EXPRESSIONS: Final[dict[str, str]] = {
    "angry": _("angry"),
    "disgust": _("disgust"),
    "fear": _("fear"),
    "happy": _("happy"),
    "sad": _("sad"),
    "surprise": _("surprise"),
    "neutral": _("neutral"),
    "contempt": _("contempt"),
    "other": _("other"),
    "uncertain": _("uncertain"),
}
"""What an expression is called."""

PROBLEM_TEXTS: Final[dict[str, Problem]] = PROBLEMS
"""Of each word in ``health``, why it is reported and what to do; the words of docs/troubleshooting.md."""

CLOCK_WRONG: Final = Problem(
    _("the clock of the device differs from the clock of this page"), _("check the network time service: timedatectl")
)
CERTIFICATE_ENDS: Final = Problem(
    _("the certificate of the device ends soon"), _("run sudo edge-agent fleet renew on the broker's machine")
)
CERTIFICATE_ENDED: Final = Problem(
    _("the certificate of the device has ended"), _("run sudo edge-agent fleet renew on the broker's machine")
)

UPDATES: Final[dict[str, str]] = {
    "downloading": _("version %(version)s is being downloaded"),
    "checking": _("version %(version)s is being checked"),
    "probation": _("version %(version)s is in use on probation"),
    "refused": _("version %(version)s was refused"),
    "rolled_back": _("version %(version)s was given up"),
    "failed": _("version %(version)s could not be fetched and is tried again"),
}
"""How an update of a model stands; of ``none`` and ``current`` there is nothing to say."""

SOURCES: Final[dict[str, str]] = {
    "bundled": _("came with the agent"),
    "settings": _("named in the settings"),
    "fleet": _("published by the school"),
}
"""Where a model comes from."""

CAMERAS: Final[dict[str, str]] = {**CAMERA_WORDS, "muted": _("closed on request")}
"""States of a camera."""

STATES: Final[dict[str, str]] = {
    "online": _("online"),
    "offline": _("offline"),
    "stale": _("no sign of life"),
    "unknown": _("unknown"),
}
"""Whether a device is alive."""
