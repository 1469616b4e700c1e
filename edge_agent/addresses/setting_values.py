"""Keys and values of the settings, shown in messages without what may be a secret."""

from __future__ import annotations

import re
from typing import Final

from edge_agent.addresses.masking import AT, LISTED, NOT_QUOTED, looks_like_address

_PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9 _.,+/-]{0,40}")
_SECRET_KEYS: Final = re.compile(r"pass|secret|token|url|user|key|cert|host")


def shown_value(value: object, key: str) -> str:
    """A value of the settings that is refused, for a message. Text that may hold a secret is named, not quoted.

    Args:
        value: What was found.
        key: Where, for example ``$.camera.fps``.
    """
    kinds: tuple[tuple[type, str], ...] = ((dict, "a table"), (list, "a list"), (str, "text"), (bool, "true or false"))
    kind = next((words for kind, words in kinds if isinstance(value, kind)), "a number")
    in_place_of_table = isinstance(value, str) and key.count(".") < 2
    if (
        isinstance(value, dict | list)
        or in_place_of_table
        or (_SECRET_KEYS.search(key) and not isinstance(value, bool))
    ):
        return kind
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not (_PLAIN_VALUE.fullmatch(value) and not re.search(LISTED, value)):
        return f"{kind} {NOT_QUOTED}" if _could_hide(value) else repr(value)
    return repr(value)


def shown_key(name: str) -> str:
    """A key of the settings for a message; a text in the place of a key is not quoted."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else NOT_QUOTED


def _could_hide(text: str) -> bool:
    doubtful = re.search(rf"[{AT}:\\=]|{LISTED}", text) is not None
    return len(text) > 64 or looks_like_address(text) or doubtful
