"""The agent's settings: a TOML file, read once into frozen values. Every key has a default that works.

Units stand at the end of every field's name. Unknown keys are refused, and an error names the key, what it received
and what it expected, for example ``$.camera.fps: got 0, expected 1 to 60``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from edge_agent.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=86400.0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class DeviceSettings(_Section, frozen=True):
    """Who this device is; ``site`` and ``id`` are parts of every topic."""

    site: Name = "school"
    id: Name = "edge-1"
    room: str = ""


class CameraSettings(_Section, frozen=True):
    """Where frames come from.

    ``path`` is the image, folder or video file, or for ``v4l2`` the device (``/dev/video0``, ``/dev/v4l/by-id/...`` or
    a number); for ``csi`` a number chooses among several cameras. ``url`` is the address of an ``rtsp`` stream.
    ``repeat`` starts files again at their end. Each image is shown for ``image_s``. A source silent for ``stall_s`` is
    opened anew. ``faces`` and ``seed`` belong to the simulated classroom.
    """

    source: Literal["simulated", "image", "video", "v4l2", "rtsp", "csi"] = "v4l2"
    path: str = "/dev/video0"
    url: str = ""
    width_px: Annotated[int, msgspec.Meta(ge=160, le=7680)] = 1280
    height_px: Annotated[int, msgspec.Meta(ge=120, le=4320)] = 720
    fps: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    repeat: bool = False
    image_s: Seconds = 3.0
    stall_s: Seconds = 10.0
    faces: Annotated[int, msgspec.Meta(ge=0, le=40)] = 12
    seed: Annotated[int, msgspec.Meta(ge=0)] = 7


class DetectorSettings(_Section, frozen=True):
    """How faces are found. ``auto`` takes YuNet where its weights file is present, else Haar.

    ``weights`` empty means the place where ``edge-agent detector fetch`` puts them.
    """

    kind: Literal["auto", "haar", "yunet"] = "auto"
    weights: str = ""
    min_face_px: Annotated[int, msgspec.Meta(ge=12, le=1000)] = 24
    min_score: Fraction = 0.7


class TrackerSettings(_Section, frozen=True):
    """How faces are followed: from being seen in ``confirm_frames`` frames until unseen for ``forget_s``."""

    confirm_frames: Annotated[int, msgspec.Meta(ge=1, le=30)] = 2
    forget_s: Seconds = 2.0


class ClassifierSettings(_Section, frozen=True):
    """Which model reads faces and how much time it gets. ``model`` empty means the bundled one."""

    model: str = ""
    runtime: Literal["auto", "litert", "tflite", "tensorflow"] = "auto"
    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    faces_per_frame: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8


class SmoothingSettings(_Section, frozen=True):
    """When a track's expression counts as stable.

    Probabilities are averaged with a half-life of ``half_life_s``. A new expression takes over when it leads the
    current one by ``switch_margin`` and has been ahead for ``hold_s``. Under ``uncertain_below`` the answer is
    ``uncertain``; it is left again above ``uncertain_below + uncertain_band``.
    """

    half_life_s: Seconds = 0.7
    switch_margin: Fraction = 0.10
    hold_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 0.6
    uncertain_below: Fraction = 0.40
    uncertain_band: Fraction = 0.05


class SummarySettings(_Section, frozen=True):
    """How often the class as a whole is summed up."""

    window_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] = 5.0


class PrivacySettings(_Section, frozen=True):
    """What may leave the device. No level ever sends or stores a picture.

    ``faces`` publishes per-face events, ``summary`` group figures alone. A summary over fewer than ``min_group`` faces
    is suppressed.
    """

    level: Literal["faces", "summary"] = "faces"
    min_group: Annotated[int, msgspec.Meta(ge=1, le=40)] = 5
    boxes: bool = False


class TlsSettings(_Section, frozen=True):
    """Encryption to the broker.

    ``ca`` empty means the system's certificate store; ``cert`` and ``key`` are the device's own.
    """

    enabled: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""


class MqttSettings(_Section, frozen=True):
    """The broker. ``protocol`` is ``3.1.1`` only for brokers that do not speak MQTT 5.

    ``password_file`` holds the password alone in its first line, so that the configuration can be shown around.
    At most ``max_in_flight`` messages await the broker's acknowledgement at a time. An event sent more than
    ``late_after_s`` after it was accepted carries the ``historical`` property. Under MQTT 5 the broker waits
    ``will_delay_s`` before it tells that this device is gone, so that a short break does not look like a death, and
    keeps commands for it for ``session_expiry_s``.
    """

    host: str = "localhost"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password_file: str = ""
    root: Name = "classroom"
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30
    max_in_flight: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    late_after_s: Seconds = 60.0
    will_delay_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 10
    session_expiry_s: Annotated[int, msgspec.Meta(ge=0, le=86400)] = 3600
    health_every_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] = 30.0
    tls: TlsSettings = TlsSettings()


class OutboxSettings(_Section, frozen=True):
    """Where events wait for the broker. ``path`` empty keeps them in memory: right for a demo, not for a school.

    Past ``max_rows`` or ``max_mb`` the oldest go first. Delivered events are kept for ``keep_delivered_h``, so that a
    subscriber can ask for them again. Events are written at most every ``commit_s``; a crash takes what was not yet
    written.
    """

    path: str = ""
    max_rows: Annotated[int, msgspec.Meta(ge=100, le=10_000_000)] = 200_000
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    keep_delivered_h: Annotated[float, msgspec.Meta(ge=0.0, le=720.0)] = 24.0
    commit_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 0.25


class Settings(_Section, frozen=True):
    """Everything the agent can be told."""

    device: DeviceSettings = DeviceSettings()
    camera: CameraSettings = CameraSettings()
    detector: DetectorSettings = DetectorSettings()
    tracker: TrackerSettings = TrackerSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    summary: SummarySettings = SummarySettings()
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()


def load_settings(path: Path) -> Settings:
    """Read and check a configuration file.

    Raises:
        ConfigError: The file is missing, no TOML, has an unknown key, a value out of range or a contradiction.
    """
    settings = load_toml(path, Settings)
    _check_sense(settings, path)
    return settings


def load_toml(path: Path, shape: type[T]) -> T:
    """Read a TOML file into a msgspec type, turning every failure into one :class:`ConfigError`."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file", remedy="Check the path given to --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}", remedy="Correct the line it names") from None
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise _explain(error, raw, shape, path) from None


def _check_sense(settings: Settings, path: Path) -> None:
    """Refuse settings that are each fine alone and make no sense together."""
    camera, mqtt = settings.camera, settings.mqtt
    if camera.source == "rtsp" and not camera.url:
        raise ConfigError(f"{path}: $.camera.url", received='""', expected="the address of the stream",
                          remedy='Set it, for example url = "rtsp://camera.local/stream"')  # fmt: skip
    if camera.source in ("image", "video") and camera.path == CameraSettings().path:
        raise ConfigError(f"{path}: $.camera.path", expected=f"the {camera.source} to read",
                          remedy="Set it to a file or, for images, a folder")  # fmt: skip
    if bool(mqtt.tls.cert) != bool(mqtt.tls.key):
        raise ConfigError(f"{path}: $.mqtt.tls", expected="both cert and key, or neither",
                          remedy="Name the two files that belong together")  # fmt: skip
    if mqtt.password_file and not mqtt.username:
        raise ConfigError(f"{path}: $.mqtt.username", received='""', expected="the user the password belongs to")


_AT_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


def _explain(error: msgspec.ValidationError, raw: Any, shape: type, path: Path) -> ConfigError:
    """Say what msgspec found in the words of this project, with the value it received."""
    matched = _AT_PATH.match(str(error))
    assert matched is not None
    what, where = matched["what"], matched["path"] or "$"
    unknown = re.search(r"contains unknown field `([^`]*)`", what)
    if unknown:
        known = ", ".join(_keys_at(shape, where))
        return ConfigError(f"{path}: {where}.{unknown[1]}", received="a key this version does not know",
                           expected=f"one of {known}", remedy="Correct or remove the key")  # fmt: skip
    received = _value_at(raw, where)
    expected = re.sub(r"^Expected ", "", what).split(", got ")[0].replace("`", "")
    limits = _range_at(shape, where)
    return ConfigError(f"{path}: {where}", received=repr(received), expected=limits or expected)


def _steps(where: str) -> list[str]:
    return [step for step in where.removeprefix("$").replace("[", ".").replace("]", "").split(".") if step]


def _value_at(raw: Any, where: str) -> Any:
    for step in _steps(where):
        raw = raw[int(step)] if isinstance(raw, list) else raw[step]
    return raw


def _type_at(shape: Any, where: str) -> msgspec.inspect.Type | None:
    info: Any = msgspec.inspect.type_info(shape)
    for step in _steps(where):
        fields = {field.encode_name: field.type for field in getattr(info, "fields", ())}
        if step not in fields:
            return None
        info = fields[step]
    return info  # type: ignore[no-any-return]


def _keys_at(shape: Any, where: str) -> list[str]:
    return [field.encode_name for field in getattr(_type_at(shape, where), "fields", ())]


def _range_at(shape: Any, where: str) -> str:
    """``1 to 60`` for a number with both limits, the list of choices for a literal, else nothing."""
    info = _type_at(shape, where)
    low, high = getattr(info, "ge", None), getattr(info, "le", None)
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    above = getattr(info, "gt", None)
    if above is not None and high is not None:
        return f"more than {above:g} and at most {high:g}"
    choices = getattr(info, "values", None)
    if choices:
        return "one of " + ", ".join(str(choice) for choice in choices)
    pattern = getattr(info, "pattern", None)
    if pattern:
        return f"text matching {pattern}"
    return ""
