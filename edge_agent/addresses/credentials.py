"""Paths and queries of addresses, with the values hidden that could be credentials."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

HIDDEN: Final = "..."
_SHORT: Final = frozenset(("u", "un", "uid", "p", "pd"))
"""Names that some cameras have for user and password."""
_CREDENTIAL: Final = re.compile(
    r"us(?:e?)r|log_?-?[io]n|acc(?:oun)?t|pass|pwd|psw|p_?w(?![a-z])|psk|pin(?![a-z])|tok(?:en|(?![a-z]))|auth|key|secret"
    r"|sig|sess|sid(?![a-z])|cred|jwt|bearer|cookie|ticket|licen[cs]e|nonce|digest|otp|code(?!c)|hash|access|priv"
)
_NO_CREDENTIAL: Final = re.compile(r"monkey|donkey|turkey|hockey|keyframe|signal|axis-media")


def without_credentials(rest: str) -> str:
    """Path and query of an address, each value hidden whose name could be that of a credential."""
    pieces = re.split(r"([/?&;#])", rest)
    shown, hide_next, within = [], False, False
    for piece in pieces:
        if piece in ("", "/", "?", "&", ";", "#"):
            shown.append(piece)
            continue
        named = "=" in decoded(piece)
        if hide_next or (within and not named):
            shown.append(HIDDEN)
            hide_next = False
            continue
        # A path may also say /user/NAME/password/WORD.
        hide_next = is_credential(piece) and not named and len(decoded(piece)) <= len("authorization")
        shown.append(_hidden(piece))
        # A value may have one of these characters, unescaped, and go on behind it.
        within = shown[-1] != piece
    return "".join(shown)


def _hidden(piece: str) -> str:
    """One part of a path or query, with the value after the first name that could be a credential's hidden."""
    for found in re.finditer("=", piece):
        if is_credential(piece[: found.start()]):
            return piece[: found.end()] + (HIDDEN if piece[found.end() :] else "")
    if decoded(piece) != piece and is_credential(piece) and re.search(r"[=&?;:,|]", decoded(piece)):
        return HIDDEN
    return piece if not re.search(r"[:,|!~*]", piece) or not is_credential(piece) else HIDDEN


def is_credential(name: str) -> bool:
    plain = _NO_CREDENTIAL.sub("", unicodedata.normalize("NFKC", decoded(name)).casefold())
    return _CREDENTIAL.search(plain) is not None or plain.strip("-_") in _SHORT


def decoded(text: str) -> str:
    for _ in range(4):  # encoded more than once
        once = unquote(text)
        if once == text:
            break
        text = once
    return text
