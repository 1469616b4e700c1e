"""What a mistake in the settings file probably means: the advice in its error. Nothing of the file is quoted."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

_BARE_KEY: Final = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_KEY: Final = rf"{_BARE_KEY}(?:\s*\.\s*{_BARE_KEY})*"
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9][0-9_]*)(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?")
_WITH_UNIT: Final = re.compile(
    r"[+-]?[0-9]+(?:\.[0-9]+)?\s*(?:px|pixels?|fps|hz|m?s|sec|seconds?|min|minutes?|h|hours?|days?|[kmg]?b|%|°|deg)",
    re.IGNORECASE,
)
SAVE_AS_UTF8: Final = "Save the file as UTF-8, in the editor's dialog for saving"

_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "v4l2": ("usb", "uvc", "webcam", "opencv", "usbcam"),
    "csi": ("picamera", "picamera2", "libcamera", "rpicam", "raspicam", "mipi"),
    "http": ("mjpeg", "mjpg", "https", "ipcam"),
    "snapshot": ("jpeg", "jpg", "still"),
    "rtsp": ("onvif", "rtsps"),
    "video": ("file", "movie", "mp4", "recording"),
    "image": ("folder", "photo", "photos", "picture", "pictures", "png"),
    "simulated": ("demo", "fake"),
    "tls": ("ssl", "use_tls"),
    "ca": ("cafile", "ca_cert", "ca_certs", "cacert", "authority"),
    "cert": ("certificate", "client_cert"),
    "key": ("private_key", "client_key"),
    "host": ("server", "broker", "ip", "address"),
    "root": ("topic", "topic_prefix", "base_topic"),
    "password_file": ("passwd", "pwd", "pass"),
    "username": ("login", "account"),
    "fps": ("framerate", "frame_rate", "rate"),
    "path": ("device", "file", "filename", "node"),
    "id": ("name", "hostname", "device", "device_id", "client_id"),
    "site": ("school", "building"),
    "room": ("classroom", "location", "description", "label"),
    "url": ("uri", "address", "stream"),
    "place": ("path", "file", "database", "url", "dsn"),
    "repeat": ("loop",),
    "balanced": ("uniform", "equal", "even"),
    "learn": ("enabled", "enable", "active"),
    "enabled": ("enable", "active", "discovery"),
}
"""Keys and choices, each with what other programs call it."""

_NOTHINGS: Final = {"none", "null", "nil", "undefined"}
_TRUTHS: Final = {"true", "false", "yes", "no", "on", "off"}


def similar(word: str, known: Sequence[str]) -> str:
    """The known word that was probably meant; empty where none is near."""
    plain = word.casefold().replace("-", "_")
    by_plain = {name.casefold(): name for name in known}
    if plain in by_plain:
        return by_plain[plain]
    meant = [name for name in known if plain in _OTHER_NAMES.get(name, ())]
    if len(meant) == 1:
        return meant[0]
    # Also a misspelt name without its unit or end: `heigth`, `passwort`.
    heads = [name.partition("_")[0] for name in by_plain]
    by_head = {head: by_plain[name] for head, name in zip(heads, by_plain, strict=True) if heads.count(head) == 1}
    by_any = by_head | by_plain
    found = difflib.get_close_matches(plain, list(by_any), 1, 0.6)
    if found:
        return by_any[found[0]]
    # A name without its unit, or its unit without the name's end: `width`, `health_every`.
    ends = [name for name in known if name.startswith(f"{plain}_") or plain.startswith(f"{name}_")]
    return ends[0] if len(ends) == 1 else ""


def of_unknown_key(name: str, known: Sequence[str], elsewhere: Mapping[str, Sequence[str]]) -> str:
    """What to do about a key that is not known.

    Args:
        name: The key.
        known: Those that are known in its table.
        elsewhere: Those of the other tables, by table.
    """
    if any(name.casefold() in _OTHER_NAMES.get(key, ()) for key in known) and similar(name, known):
        return f"Did you mean {similar(name, known)}?"
    tables = [table for table, keys in elsewhere.items() if name in keys]
    if tables:
        return f"It belongs into the table [{tables[0]}]"
    if name in elsewhere:
        return f"Write [{name}] in a line of its own, and its keys below"
    near = similar(name, known)
    if near:
        return f"Did you mean {near}?"
    for table, keys in elsewhere.items():
        matches = difflib.get_close_matches(name.casefold(), list(keys), 1, 0.8)
        if matches:
            return f"Did you mean {matches[0]} in the table [{table}]?"
    return "Correct or remove the key"


def of_wrong_kind(received: object, wanted: Any) -> str:
    """What to do about a value of another kind than wanted; empty where the range alone says it.

    Args:
        received: The value.
        wanted: The type that msgspec wants.
    """
    numbers = (msgspec.inspect.IntType, msgspec.inspect.FloatType)
    if isinstance(wanted, msgspec.inspect.BoolType):
        return "Write true or false, in small letters and without quotes"
    if isinstance(wanted, numbers):
        if isinstance(received, str):
            return (
                "Write it without quotes" if _NUMBER.fullmatch(received.strip()) else "Write a number, without quotes"
            )
        if isinstance(received, bool):
            return "Write a number"
        if isinstance(received, list):
            return "Leave out the brackets"
        if isinstance(received, float) and isinstance(wanted, msgspec.inspect.IntType):
            return "Write a whole number, without a point"
        return ""
    texts = isinstance(wanted, msgspec.inspect.StrType) or (
        isinstance(wanted, msgspec.inspect.LiteralType) and isinstance(wanted.values[0], str)
    )
    if texts and not isinstance(received, str):
        return "Leave out the brackets" if isinstance(received, list) else "Put it in quotes"
    if isinstance(wanted, msgspec.inspect.LiteralType) and received in [
        str(value) for value in wanted.values if not isinstance(value, str)
    ]:
        return "Write it without quotes"
    if isinstance(wanted, msgspec.inspect.LiteralType) and isinstance(received, str):
        near = similar(received, [str(value) for value in wanted.values])
        return f'Did you mean "{near}"?' if near else ""
    if isinstance(wanted, msgspec.inspect.UnionType) and isinstance(received, str):
        choices = [one for one in wanted.types if isinstance(one, msgspec.inspect.LiteralType)]
        return of_wrong_kind(received, choices[0]) if choices else ""
    if isinstance(wanted, msgspec.inspect.StructType) and not isinstance(received, dict):
        return "Write it as a table: its name in square brackets in a line, and one key in each line below"
    return ""


def of_zone(where: str) -> str:
    """How to write a zone of the detector, for a mistake in one; empty for other places of the file."""
    zone = re.match(r"\$\.detector\.(ignore|watch)(?P<corners>\[\d+\]\.points)?(?!\[\d+\]\.)", where)
    if zone is None:
        return ""
    if zone["corners"]:
        return "Write each corner as [x, y] in shares of the frame: [0, 0] is the top left, [1, 1] the bottom right"
    return f"Write [[detector.{zone[1]}]] in a line, and points = [[0, 0], [0.3, 0], [0.3, 0.2]] in the line below"


def of_share(where: str) -> str:
    """How to write a share of a label, for a mistake in one; empty for other places of the file."""
    if not where.startswith("$.classifier.prior["):
        return ""
    return (
        "Write each share as a part of 1: 0.3 for 30 %. A label that hardly ever occurs has a small one, such as 0.001"
    )


def of_syntax(text: str, message: str) -> str:
    """The likely cause of a TOML error.

    Args:
        text: The whole file.
        message: What the parser says, with the line where it knows it.
    """
    place = re.search(r"line (\d+)", message)
    lines = text.splitlines()
    line = lines[int(place[1]) - 1] if place and 0 < int(place[1]) <= len(lines) else (lines[-1] if lines else "")
    if "declare" in message and "twice" in message:
        return "A table may stand only once in the file: put its keys together"
    if "overwrite" in message or "uplicate" in message:
        return "A key may stand only once in its table: remove one of the two lines"
    return _of_line(line.strip())


def _of_line(line: str) -> str:
    if re.search("[\x00-\x08\x0b-\x1f\x7f]", line):
        return "Remove the control character, which most editors do not show, or write the line anew"
    plain = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', '""', line)
    if re.search("[\u00a0\u2000-\u200b\u202f\u3000]", plain):
        return "Replace each space in the line: one of them is another character that looks like a space"
    if re.search("[\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019]", plain):
        return 'Write straight quotes (")'
    if plain.startswith("["):
        return "A table's name stands alone in its line, in square brackets: [camera]"
    colon = re.match(rf"{_KEY}\s*:", plain)
    if colon and "=" not in plain:
        return "Write = between key and value"
    matched = re.match(rf"{_KEY}\s*=\s*(?P<value>.*)$", line)
    if matched is None:
        if "=" not in plain:
            return "Write key = value, or begin the line with # where it is a comment"
        return "Write the key with letters, digits, _ and - only, then = and the value"
    value = matched["value"].strip()
    bare = re.sub(r"\s*#.*$", "", value)
    if not bare:
        return 'Write a value behind the =; "" is an empty text'
    if bare[0] in "=>":
        return "Write one = between key and value"
    if bare.casefold() in _NOTHINGS:
        return 'Leave the line out, so that the default holds; "" is an empty text'
    if bare.casefold() in _TRUTHS:
        return "Write true or false, in small letters and without quotes"
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", bare):
        return "Write a point in a number, not a comma"
    if bare.startswith('"') and "\\" in bare:
        return "Write \\\\ for a backslash, or put the text in single quotes"
    if bare[0] in "\"'" and bare.count(bare[0]) % 2:
        return "End the text with the quote that it begins with"
    if bare[0] in "\"'":
        return "Write nothing behind the closing quote but a comment, which begins with #"
    if bare[0] in "[{":
        return "Close the bracket"
    if re.fullmatch(r"[+-]?(?=[OolI.]*[0-9])(?=[0-9.]*[OolI])[0-9OolI.]+", bare):
        return "Write digits alone: one of the characters is a letter that looks like a digit"
    if _WITH_UNIT.fullmatch(bare):
        return "Write the number alone, without a unit"
    if re.fullmatch(r"[+-]?[0-9]+(?:[ '\u2019][0-9]+)*\s*(?:;|,|//|--).*|[0-9]+(?:[ '\u2019][0-9]{2,3})+", bare):
        return "Write the digits alone; a comment begins with #"
    if re.fullmatch(r"[+-]?0[0-9]+", bare):
        return "Write a number without zeros in front, or text in quotes"
    return 'Put text in quotes: key = "text"'


def of_encoding(content: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """What a file that is no UTF-8 is, and what to do."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:64]:
        return "UTF-16", SAVE_AS_UTF8
    line = content[: error.start].count(b"\n") + 1
    return f"another encoding, perhaps Latin-1, in line {line}", SAVE_AS_UTF8
