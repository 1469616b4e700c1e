"""What the log says beside what somebody did: a word of the catalogue with its values, so that it can be translated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dashboard.catalogue import _
from edge_agent.client.events import Device

_MAX_WRITTEN: Final = 2000


TEXTS: Final[dict[str, str]] = {
    "rooms": _("rooms"),
    "everywhere": _("everywhere"),
    "export": _("as %(form)s"),
    "export-span": _("as %(form)s, from %(start)s to %(end)s"),
    "mute": _("mute"),
    "unmute": _("unmute"),
    "snapshot": _("snapshot"),
    "remove": _("remove"),
    "failed": _("%(act)s failed: %(reason)s"),
    "span": _("from %(start)s to %(end)s"),
    "span-until": _("from the beginning to %(end)s"),
    "span-since": _("from %(start)s to now"),
    "span-ever": _("from the beginning to now"),
    "done": _("done: %(counts)s"),
    "own-password": _("password changed"),
    "account-added": _("%(name)s added: %(roles)s, %(rooms)s"),
    "account-removed": _("%(name)s removed"),
    "account-password": _("%(name)s: password set"),
    "account-rooms": _("%(name)s: rooms: %(rooms)s"),
    "account-roles": _("%(name)s: roles: %(roles)s"),
}
"""What each word of a detail means."""

ALL_ROOMS, NO_ROOMS = _("all rooms"), _("no rooms")
NOTHING = _("nothing was stored")


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail.

    Attributes:
        word: One of :data:`TEXTS`.
        values: What stands in it: texts, times in Unix seconds, numbers by kind, and lists
            of roles and rooms; of rooms ``None`` stands for all.
    """

    word: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """In English, as the process's log has it."""
        return said(self)

    def written(self) -> str:
        """As it is stored; empty where it would be too long. Then its English words are all that is kept."""
        text = json.dumps([self.word, dict(self.values)], separators=(",", ":"))
        return text if len(text) <= _MAX_WRITTEN else ""


def read_detail(text: str) -> Detail | None:
    """What :meth:`Detail.written` has written; ``None`` for anything else."""
    try:
        word, values = json.loads(text)
    except (ValueError, TypeError):
        return None
    return Detail(word, values) if isinstance(word, str) and word in TEXTS and isinstance(values, dict) else None


def span_detail(start: float, end: float) -> Detail:
    """From when to when something was erased. Infinite times stand for the beginning and for now."""
    open_ends = (math.isinf(start), math.isinf(end))
    word = {(True, True): "span-ever", (True, False): "span-until", (False, True): "span-since"}.get(open_ends, "span")
    return Detail(word, {name: at for name, at in (("start", start), ("end", end)) if math.isfinite(at)})


def rooms_value(rooms: frozenset[Device] | None) -> list[str] | None:
    """Rooms as a value of a detail."""
    return None if rooms is None else [f"{site}/{device}" for site, device in sorted(rooms)]


def _rows(kind: str, number: int) -> str:
    return f"{number} {kind}"


def shown_counts(
    counts: Mapping[str, int], count: Callable[[str, int], str] = _rows, translate: Callable[[str], str] = _
) -> str:
    """How many rows of each kind were erased, in English by default; see :func:`said`."""
    return ", ".join(count(kind, number) for kind, number in counts.items() if number) or translate(NOTHING)


def shown_time(moment: float) -> str:
    """A time, or the begin or end of all times, in English."""
    if math.isinf(moment):
        return "the beginning" if moment < 0 else "now"
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec="minutes")


def said(
    detail: Detail,
    *,
    translate: Callable[[str], str] = _,
    time: Callable[[float], str] = shown_time,
    count: Callable[[str, int], str] = _rows,
    role: Callable[[str], str] = _,
) -> str:
    """A detail in words.

    Args:
        detail: Which.
        translate: Translates a text of the catalogue.
        time: Writes a time.
        count: Writes how many rows of a kind there are.
        role: Writes a role's name.
    """
    words: dict[str, str] = {}
    for name, value in detail.values.items():
        if name in ("start", "end"):
            words[name] = time(value)
        elif name == "counts":
            words[name] = shown_counts(value, count, translate)
        elif name == "roles":
            words[name] = ", ".join(role(one) for one in value)
        elif name == "rooms":
            words[name] = translate(ALL_ROOMS) if value is None else ", ".join(value) or translate(NO_ROOMS)
        elif name == "act":
            words[name] = translate(TEXTS.get(value, value))
        else:
            words[name] = str(value)
    return translate(TEXTS[detail.word]) % words
