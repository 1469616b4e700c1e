"""The agent's settings, frozen. Every key has a default that works; units stand at the end of a field's name.

:mod:`edge_agent.config_file` reads them from a TOML file.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# A lone $ would also match before a line's end, and a name goes into the lines of the broker's rules.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)")]
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

    @property
    def live(self) -> bool:
        """Whether it shows people as they are now, not a drawing or a recording."""
        return self.source in ("v4l2", "rtsp", "csi")


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
    """Which model reads faces and how much time it gets.

    ``model`` is a bundle's path, ``edge-tiny`` for the small one that comes with the agent, or empty for the usual one.
    """

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
    uncertain_below: Fraction = 0.45
    uncertain_band: Fraction = 0.05


class SummarySettings(_Section, frozen=True):
    """How often the class as a whole is summed up."""

    window_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] = 5.0


class PolicySettings(_Section, frozen=True):
    """The operator's declaration, without which no live camera starts; :mod:`edge_agent.privacy.policy` judges it.

    ``jurisdiction`` is a country (ISO 3166-1 or -2: ``CH``, ``US-CA``), ``EU`` or ``EEA``; ``setting`` where the camera
    hangs; ``legal_basis`` a few words such as ``consent`` or ``safety``, which ``status`` shows; ``declared_by`` who
    answers for it, which stays on the device.
    """

    jurisdiction: str = ""
    setting: str = ""
    legal_basis: str = ""
    declared_by: str = ""


class PrivacySettings(_Section, frozen=True):
    """What may leave the device. No level ever sends or stores a picture.

    ``faces`` publishes per-face events, ``summary`` group figures alone. A summary over fewer than ``min_group`` faces
    is suppressed; at the level ``summary`` so few are not read either, and nothing else tells of them. ``boxes`` adds
    to per-face events where the face was.
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


class HomeAssistantSettings(_Section, frozen=True):
    """Whether Home Assistant finds this device by itself. ``enabled = true`` is all it takes with its default settings.

    ``prefix`` is the discovery prefix of its MQTT integration, ``status_topic`` where it tells that it has started.
    """

    enabled: bool = False
    prefix: Name = "homeassistant"
    status_topic: Annotated[str, msgspec.Meta(pattern=r"^[^#+\x00]+$", max_length=256)] = "homeassistant/status"


class LedSettings(_Section, frozen=True):
    """The light that shows that the camera is open; ``name`` is one of ``/sys/class/leds``, empty for none."""

    name: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.:+-]*)?$", max_length=64)] = ""


class MetricsSettings(_Section, frozen=True):
    """The figures of ``health`` for Prometheus, at ``http://address:port/metrics``; port 0 serves none.

    They are served without a password: another address than a loopback one shows them to that network.
    """

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    address: str = "127.0.0.1"


class UpdateSettings(_Section, frozen=True):
    """Models published by the school. Without a ``key`` none is taken.

    ``key`` is the file with the school's public key for models; `edge-agent enrol` puts it in place. Models are kept
    beside the outbox. A new one is watched until frames were read for ``probation_s``.
    """

    key: str = ""
    probation_s: Seconds = 600.0


class Settings(_Section, frozen=True):
    """Everything the agent can be told."""

    device: DeviceSettings = DeviceSettings()
    camera: CameraSettings = CameraSettings()
    detector: DetectorSettings = DetectorSettings()
    tracker: TrackerSettings = TrackerSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    summary: SummarySettings = SummarySettings()
    policy: PolicySettings = PolicySettings()
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    metrics: MetricsSettings = MetricsSettings()
    led: LedSettings = LedSettings()
    update: UpdateSettings = UpdateSettings()
