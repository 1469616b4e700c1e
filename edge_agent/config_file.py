"""Reading the configuration: a TOML file, once, into :class:`edge_agent.config.Settings`.

Unknown keys are refused, and an error names the key, what it received and what it expected, for example
``$.camera.fps: got 0, expected 1 to 60``.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from edge_agent.addresses.masking import looks_like_address, shown_path
from edge_agent.addresses.parsing import EXAMPLES, HOW_TO_WRITE, STREAM_PORTS, check_host, parse_camera_url
from edge_agent.addresses.setting_values import shown_key, shown_value
from edge_agent.config import CameraSettings, DetectorSettings, Settings, ZoneSettings
from edge_agent.config_advice import (
    SAVE_AS_UTF8,
    of_encoding,
    of_share,
    of_syntax,
    of_unknown_key,
    of_wrong_kind,
    of_zone,
)
from edge_agent.decoding import convert
from edge_agent.errors import ConfigError, Rejected
from edge_agent.model_format.priors import sums_to_one
from edge_agent.polygons import Polygon, area, contains, crosses_itself
from edge_agent.rights import denied_read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # the package from which the standard library took it

T = TypeVar("T")

WORDS_FOR_PATTERN: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)": "letters a to z, digits, . _ -, at most 64, no spaces, "
    "a letter or digit first",
    r"^[^#+\x00]+$": "a topic without # and +",
    r"^([A-Za-z0-9][A-Za-z0-9_.:+-]*)?$": "letters a to z, digits, . _ : + -, no spaces",
}
"""What the patterns of the settings ask for, in words."""


def load_settings(path: Path) -> Settings:
    """Read and check a configuration file.

    Raises:
        ConfigError: The file is missing, no TOML, has an unknown key, a value out of range or a contradiction.
    """
    return settings_from_tables(read_tables(path), path)


def settings_from_tables(tables: dict[str, Any], path: Path) -> Settings:
    """Check the tables of a configuration file.

    Args:
        tables: Its content.
        path: Where they stand, for messages.

    Raises:
        ConfigError: There is an unknown key, a value out of range or a contradiction.
    """
    settings = from_tables(tables, Settings, path)
    _check_sense(settings, path)
    return settings


def load_toml(path: Path, shape: type[T]) -> T:
    """Read a TOML file into a msgspec type, turning every failure into one :class:`ConfigError`."""
    return from_tables(read_tables(path), shape, path)


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, whatever their keys.

    Raises:
        ConfigError: The file is missing, cannot be read, or is no TOML.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file", remedy="Check its path") from None
    except OSError as error:
        words, remedy = denied_read(path, error)
        raise ConfigError(f"{path}: cannot be read: {words}", remedy=remedy) from None
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        found, remedy = of_encoding(content, error)
        raise ConfigError(str(path), received=found, expected="UTF-8", remedy=remedy) from None
    if "\0" in text:
        raise ConfigError(str(path), received="UTF-16 or no text", expected="UTF-8", remedy=SAVE_AS_UTF8)
    try:
        return parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {_said(error)}", remedy=of_syntax(text, str(error))) from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}", remedy="Correct it, or copy the file again") from None


def _said(error: tomllib.TOMLDecodeError) -> str:
    """What the parser says, without what it quotes of the file."""
    return re.sub(r"'(?:[^'\\]|\\.){2,}'|\"[^\"]{2,}\"|\(?'[^']*',\)?", "...", str(error))


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: It is not valid TOML, or has what no TOML reader must accept: whole numbers beyond 64 bits, or
            tables and arrays that are nested without end.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(text)
        too_long = any(isinstance(value, int) and value.bit_length() > 64 for value in _values(tables))
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python converts no more than some thousand digits
        too_long = True
    except RecursionError:
        raise ValueError("arrays or tables are nested too deeply") from None
    if too_long:
        raise ValueError("a whole number is too long: it has more than 64 bits")
    return tables


def _values(value: Any) -> Iterator[Any]:
    """All values in tables and arrays."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
    else:
        yield value


def from_tables(raw: dict[str, Any], shape: type[T], path: Path) -> T:
    """Turn the tables of a TOML file into a msgspec type.

    Raises:
        ConfigError: A key is unknown or a value does not fit; it names ``path`` and the key.
    """
    try:
        return convert(raw, shape)
    except msgspec.ValidationError as error:
        raise _explain(error, raw, shape, path) from None


def _check_sense(settings: Settings, path: Path) -> None:
    """Refuse settings that are each fine alone and make no sense together."""
    camera, mqtt = settings.camera, settings.mqtt
    check_camera(camera, f"{path}: ")
    check_host(mqtt.host, f"{path}: $.mqtt.host", "mqtt.port", ConfigError)
    if settings.metrics.address:
        check_host(settings.metrics.address, f"{path}: $.metrics.address", "metrics.port", ConfigError)
    if camera.source in ("image", "video") and camera.path == CameraSettings().path:
        raise ConfigError(
            f"{path}: $.camera.path",
            expected=f"the {camera.source} to read",
            remedy="Set it to a file or, for images, a folder",
        )
    if shown_path(settings.outbox.path) != settings.outbox.path:
        raise ConfigError(
            f"{path}: $.outbox.path",
            received="an address" if looks_like_address(settings.outbox.path) else "a name that is not shown",
            expected="a file, such as /var/lib/edge-agent/outbox.db",
        )
    _check_texts(settings, path)
    _check_zones(settings.detector, path)
    if bool(mqtt.tls.cert) != bool(mqtt.tls.key):
        raise ConfigError(
            f"{path}: $.mqtt.tls",
            expected="both cert and key, or neither",
            remedy="Name the two files that belong together",
        )
    prior = settings.classifier.prior
    if not isinstance(prior, str) and not sums_to_one(prior):
        raise ConfigError(
            f"{path}: $.classifier.prior",
            received=f"shares that sum to {sum(prior.values()):g}",
            expected="shares that sum to 1, one for each label of the model",
            remedy='Correct them, or use "balanced", "half" or "training"',
        )
    if mqtt.password_file and not mqtt.username:
        raise ConfigError(f"{path}: $.mqtt.username", received='""', expected="the user the password belongs to")


def _check_texts(settings: Settings, path: Path) -> None:
    """Refuse an address in the place of a free text, which is sent, stored or shown as it is."""
    texts = {
        "device.room": settings.device.room,
        "camera.username": settings.camera.username,
        "mqtt.username": settings.mqtt.username,
        "policy.declared_by": settings.policy.declared_by,
        "home_assistant.status_topic": settings.home_assistant.status_topic,
    }
    for key, text in texts.items():
        if re.search(r"[:\uff1a\u2236][/\\\uff0f]{2}", text):
            raise ConfigError(f"{path}: $.{key}", received="an address", expected="a text without ://")


def check_camera(camera: CameraSettings, where: str = "") -> None:
    """Judge where the camera is, without looking whether it is there.

    Args:
        camera: Where frames come from.
        where: Begins the message: the settings' file.

    Raises:
        ConfigError: The address of a network camera is malformed, or stands where a path belongs.
    """
    if camera.source not in STREAM_PORTS:
        if camera.source != "simulated" and shown_path(camera.path) != camera.path:
            raise ConfigError(
                f"{where}$.camera.path",
                received="an address" if looks_like_address(camera.path) else "no file, and a name that is not shown",
                expected="a file or device",
                remedy='The address of a network camera goes into camera.url, with source = "rtsp" or "http"',
            )
        return
    address = parse_camera_url(camera.url, camera.source)
    if isinstance(address, Rejected):
        example = EXAMPLES[camera.source]
        raise ConfigError(
            f"{where}$.camera.url",
            received=address.reason,
            expected=f"an address like {example}",
            remedy=HOW_TO_WRITE if camera.url else f'Set it, for example url = "{example}"',
        )
    if (camera.username or camera.password_file) and (address.username or address.password):
        raise ConfigError(
            f"{where}$.camera.url",
            received="an address with a user",
            expected="one without, since camera.username is set",
            remedy="Leave out what stands between :// and @",
        )
    if camera.password_file and not camera.username:
        raise ConfigError(f"{where}$.camera.username", received='""', expected="the user the password belongs to")
    if ":" in camera.username or not camera.username.isprintable():
        raise ConfigError(
            f"{where}$.camera.username",
            received="a name with a colon or a control character",
            expected="a name as cameras can check it",
            remedy="The password goes into the file that camera.password_file names",
        )


def _check_zones(detector: DetectorSettings, path: Path) -> None:
    for key, zones in (("ignore", detector.ignore), ("watch", detector.watch)):
        for number, zone in enumerate(zones):
            where = f"{path}: $.detector.{key}[{number}].points"
            if not all(math.isfinite(value) for point in zone.points for value in point):
                raise ConfigError(where, received="nan", expected="shares of the frame, 0 to 1")
            outline = _outline(zone)
            bad = (
                "corners that enclose nothing"
                if area(outline) < _MIN_ZONE_SHARE
                else "an outline that crosses itself"
                if crosses_itself(outline)
                else ""
            )
            if bad:
                raise ConfigError(
                    where,
                    received=bad,
                    expected="the outline of a zone, corner after corner",
                    remedy="Name its corners in the order in which one walks around it",
                )
    watched, ignored = ([_outline(zone) for zone in zones] for zones in (detector.watch, detector.ignore))
    places = [((x + 0.5) / _GRID, (y + 0.5) / _GRID) for x in range(_GRID) for y in range(_GRID)] if ignored else []
    seen = [place for place in places if not watched or any(contains(one, *place) for one in watched)]
    if seen and all(any(contains(one, *place) for one in ignored) for place in seen):
        raise ConfigError(
            f"{path}: $.detector.ignore",
            received="zones that cover all that is watched",
            expected="a part of the frame in which faces count",
            remedy="Make them smaller. To switch the camera off, use 'desired' or stop the agent",
        )


def _outline(zone: ZoneSettings) -> Polygon:
    return tuple((point[0], point[1]) for point in zone.points)


_IN_WORDS: Final = {
    "bool": "true or false",
    "str": "text",
    "object": "a table",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
}
"""What msgspec calls the kinds of values, in words."""
_MIN_ZONE_SHARE = 1e-4
_GRID = 50
"""In so many columns and rows it is looked whether zones leave anything of the frame."""

_AT_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


def _explain(error: msgspec.ValidationError, raw: Any, shape: type, path: Path) -> ConfigError:
    """Say what msgspec found in the words of this project, with the value it received."""
    matched = _AT_PATH.match(str(error))
    assert matched is not None
    what, where = matched["what"], matched["path"] or "$"
    unknown = re.search(r"contains unknown field `([^`]*)`", what)
    if unknown:
        known = ", ".join(_keys_at(shape, where))
        return ConfigError(
            f"{path}: {where}.{shown_key(unknown[1])}",
            received="a key this version does not know",
            expected=f"one of {known}",
            remedy=of_unknown_key(shown_key(unknown[1]), _keys_at(shape, where), _keys_elsewhere(shape, where)),
        )
    keys = _free_keys(str(error), raw, shape, _steps(where))
    received = _value_at(raw, _named(_steps(where), keys))
    expected = re.sub(r"^Expected ", "", what).split(", got ")[0].replace("`", "")
    wanted = _type_at(shape, where)
    named = where
    for key in keys:
        named = named.replace("[...]", f".{shown_key(key)}", 1)
    return ConfigError(
        f"{path}: {named}",
        received=shown_value(received, named),
        expected=range_of(wanted) or _IN_WORDS.get(expected, expected),
        remedy=of_zone(where) or of_wrong_kind(received, wanted) or of_share(where),
    )


def _steps(where: str) -> list[str]:
    where = where.replace("[...]", f".{_ANY}")
    return [step for step in where.removeprefix("$").replace("[", ".").replace("]", "").split(".") if step]


_ANY = "*"
"""The step for some key of a table with free keys; msgspec does not say which."""


def _free_keys(said: str, raw: Any, shape: type, steps: list[str]) -> list[str]:
    """The keys that msgspec does not name, in the order of their places: each is one that is refused alone, too."""
    keys: list[str] = []
    while _ANY in (rest := _named(steps, keys)):
        above = rest[: rest.index(_ANY)]
        table = _value_at(raw, above)
        refused = [key for key in table if _refusal(_with(raw, above, {key: table[key]}), shape) == said]
        if not refused:
            break
        keys.append(refused[0])
    return keys


def _refusal(raw: Any, shape: type) -> str:
    """What msgspec says of tables that do not fit; empty where they do."""
    try:
        convert(raw, shape)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _named(steps: list[str], keys: list[str]) -> list[str]:
    """Steps with the keys that are known in the place of the first unknown ones."""
    waiting = list(keys)
    return [waiting.pop(0) if step == _ANY and waiting else step for step in steps]


def _with(raw: Any, steps: list[str], value: Any) -> Any:
    """Tables with another value in one place."""
    if not steps:
        return value
    if isinstance(raw, list):
        return [_with(one, steps[1:], value) if str(place) == steps[0] else one for place, one in enumerate(raw)]
    return raw | {steps[0]: _with(raw[steps[0]], steps[1:], value)}


def _value_at(raw: Any, steps: list[str]) -> Any:
    for step in steps:
        if step == _ANY:
            break
        raw = raw[int(step)] if isinstance(raw, list) else raw[step]
    return raw


def _type_at(shape: Any, where: str) -> msgspec.inspect.Type | None:
    info: Any = msgspec.inspect.type_info(shape)
    for step in _steps(where):
        info = _without_none(info)
        fields = {field.encode_name: field.type for field in getattr(info, "fields", ())}
        if step in fields:
            info = fields[step]
        elif step == _ANY:
            tables = [one for one in getattr(info, "types", (info,)) if isinstance(one, msgspec.inspect.DictType)]
            info = tables[0].value_type if tables else None
        elif hasattr(info, "item_type"):  # a place in a list
            info = info.item_type
        else:
            return None
    return _without_none(info)  # type: ignore[no-any-return]


def _without_none(info: Any) -> Any:
    """The one type besides None that a key may have; other types as they are."""
    wanted = [one for one in getattr(info, "types", ()) if not isinstance(one, msgspec.inspect.NoneType)]
    return wanted[0] if len(wanted) == 1 else info


def _keys_at(shape: Any, where: str) -> list[str]:
    return [field.encode_name for field in getattr(_type_at(shape, where), "fields", ())]


def _keys_elsewhere(shape: Any, where: str) -> dict[str, list[str]]:
    """The keys of the other tables that a file may have, by table."""
    own = ".".join(_steps(where))
    found: dict[str, list[str]] = {}

    def add(info: Any, name: str) -> None:
        keys = [(field.encode_name, _without_none(field.type)) for field in getattr(info, "fields", ())]
        inner = [(key, kind) for key, kind in keys if isinstance(kind, msgspec.inspect.StructType)]
        if name != own and name:
            found[name] = [key for key, kind in keys if not isinstance(kind, msgspec.inspect.StructType)]
        for key, kind in inner:
            add(kind, f"{name}.{key}".lstrip("."))

    add(msgspec.inspect.type_info(shape), "")
    return found


def range_of(info: msgspec.inspect.Type | None) -> str:
    """What a value may be: ``1 to 60`` for a number with limits, the choices of a literal, a pattern; else nothing."""
    low, above, high = (getattr(info, limit, None) for limit in ("ge", "gt", "le"))
    if low is not None:
        return f"{_plain(low)} to {_plain(high)}" if high is not None else f"at least {_plain(low)}"
    if above is not None and high is not None:
        return f"more than {_plain(above)} and at most {_plain(high)}"
    shortest, longest = getattr(info, "min_length", None), getattr(info, "max_length", None)
    if shortest is not None and hasattr(info, "item_type"):
        return f"{shortest} of them" if shortest == longest else f"at least {shortest} of them"
    if isinstance(info, msgspec.inspect.UnionType):
        return ", or ".join(filter(None, map(range_of, info.types)))
    if isinstance(info, msgspec.inspect.DictType):
        return f"a table of numbers, each {range_of(info.value_type)}"
    choices = getattr(info, "values", None)
    if choices:
        return "one of " + ", ".join(str(choice) for choice in choices)
    pattern = getattr(info, "pattern", None)
    if pattern:
        return WORDS_FOR_PATTERN.get(pattern, f"text matching {pattern}")
    return ""


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:g}"
