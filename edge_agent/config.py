"""The agent's settings, frozen. Every key has a default that works; units stand at the end of a field's name.

:mod:`edge_agent.config_file` reads them from a TOML file. :mod:`edge_agent.commands.settings_reference` makes
docs/settings.md from the docstrings and limits here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge_agent.addresses.masking import shown_path, shown_secret_path, shown_url
from edge_agent.model_format.priors import DEFAULT_PRIOR, NamedPrior

# A lone $ would also match before a line's end, and a name goes into the lines of the broker's rules.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)")]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=86400.0)]

MAX_MEGAPIXELS = 120
"""Default of the largest picture that a file may announce: a phone's 108 megapixels are within it."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class DeviceSettings(_Section, frozen=True):
    """Who this device is.

    Attributes:
        site: The school or building. The same on all its devices; a part of every topic.
        id: The device's own name, different on each device of a site; a part of every topic.
        room: The classroom, for people to read, for example ``2b``.
    """

    site: Name = "school"
    id: Name = "edge-1"
    room: str = ""


class CameraSettings(_Section, frozen=True):
    """Where frames come from.

    Attributes:
        source: ``v4l2`` is a USB camera, ``csi`` the camera of a Raspberry Pi. Network cameras: ``rtsp``, ``http`` for
            an MJPEG stream, ``snapshot`` for single JPEG pictures, fetched ``fps`` times a second. ``image`` and
            ``video`` read files, ``simulated`` draws a classroom.
        path: The image, folder or video file. For ``v4l2`` the device: ``/dev/v4l/by-id/...`` as ``edge-agent cameras``
            lists it, ``/dev/video0``, or a number. For ``csi`` a number chooses among several cameras.
        url: Address of a network camera. In a user name or password within it, percent-encode ``# ? % : / @``.
        username: User name at a network camera; empty for none. Then the address holds no user.
        password_file: File with the password alone in its first line. So the configuration can be shown to others.
        width_px: Width of a frame that the camera is asked for.
        height_px: Height of a frame that the camera is asked for.
        fps: How many frames the agent takes from the source, at most.
        repeat: Whether files start again at their end. Otherwise the agent ends with exit code 0 when they are over.
        image_s: For how long each image file is shown.
        max_megapixels: Pictures that announce more pixels are skipped, those of files and those over HTTP: a small one
            could fill the memory. Recordings and streams of larger frames are refused.
        rotate_deg: The picture is turned clockwise by so much: 180 for a camera that hangs from the ceiling.
        mirror: Whether the picture is mirrored left to right, after it was turned.
        stall_s: A source that delivers nothing for so long is opened again.
        faces: How many people the simulated classroom shows.
        seed: Which simulated classroom is drawn: the same seed gives the same people.
    """

    source: Literal["simulated", "image", "video", "v4l2", "rtsp", "http", "snapshot", "csi"] = "v4l2"
    path: str = "/dev/video0"
    url: str = ""
    username: str = ""
    password_file: str = ""
    width_px: Annotated[int, msgspec.Meta(ge=160, le=7680)] = 1280
    height_px: Annotated[int, msgspec.Meta(ge=120, le=4320)] = 720
    fps: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    repeat: bool = False
    image_s: Seconds = 3.0
    max_megapixels: Annotated[int, msgspec.Meta(ge=1, le=1000)] = MAX_MEGAPIXELS
    rotate_deg: Literal[0, 90, 180, 270] = 0
    mirror: bool = False
    stall_s: Seconds = 10.0
    faces: Annotated[int, msgspec.Meta(ge=0, le=40)] = 18
    seed: Annotated[int, msgspec.Meta(ge=0)] = 7

    @property
    def live(self) -> bool:
        """Whether it shows people as they are now, not a drawing or a recording."""
        return self.source in ("v4l2", "rtsp", "http", "snapshot", "csi")

    def __repr__(self) -> str:
        """As msgspec writes it, with the address as it may be shown."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown.update(url=self.url and shown_url(self.url), path=shown_path(self.path))
        shown.update(password_file=shown_secret_path(self.password_file) if self.password_file else "")
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


Point = Annotated[tuple[Fraction, ...], msgspec.Meta(min_length=2, max_length=2)]


class ZoneSettings(_Section, frozen=True):
    """A part of the frame.

    Attributes:
        points: Its corners ``[x, y]``, one after the other around it, in shares of the frame's width and height from
            the top left corner. The frame is meant as it is after ``rotate_deg`` and ``mirror``.
        name: What it is, for people to read.
    """

    points: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3)]
    name: str = ""


class DetectorSettings(_Section, frozen=True):
    """How faces are found.

    Attributes:
        kind: ``auto`` takes YuNet where its weights file is present, else Haar.
        weights: File with YuNet's weights. Empty means the place where ``edge-agent detector fetch`` puts them.
        min_face_px: Smaller faces are not looked for. A smaller number finds faces further away and costs time.
        min_score: Faces of which the detector is less certain are dropped. Haar gives no such score.
        every_frame: Whether every frame is searched whole. Otherwise known faces are followed, and a frame is searched
            where a face may have come or gone, and whole about once a second.
        ignore: Zones in which no face counts: posters, screens, doorways. Each is a table ``[[detector.ignore]]`` with
            ``points``, three corners or more ``[x, y]`` in shares of the frame, and may have a ``name``. For example:
            ``points = [[0, 0], [0.3, 0], [0.3, 0.2], [0, 0.2]]`` in the top left corner. The frame is meant as it is
            after ``rotate_deg`` and ``mirror``; ``edge-agent aim`` shows it so.
        watch: Zones in which alone faces count, written likewise as ``[[detector.watch]]``. Without one the whole frame
            is watched.
    """

    kind: Literal["auto", "haar", "yunet"] = "auto"
    weights: str = ""
    min_face_px: Annotated[int, msgspec.Meta(ge=12, le=1000)] = 24
    min_score: Fraction = 0.7
    every_frame: bool = False
    ignore: tuple[ZoneSettings, ...] = ()
    watch: tuple[ZoneSettings, ...] = ()


class TrackerSettings(_Section, frozen=True):
    """How faces are followed from frame to frame.

    Attributes:
        confirm_frames: A face counts from the moment it was seen in so many frames.
        forget_s: A face that is unseen for so long has left.
    """

    confirm_frames: Annotated[int, msgspec.Meta(ge=1, le=30)] = 2
    forget_s: Seconds = 2.0


class ClassifierSettings(_Section, frozen=True):
    """Which model classifies faces, and how much time it gets.

    Attributes:
        model: Path of a model bundle, ``edge-tiny`` for the small model that comes with the agent, or empty for the
            default one.
        runtime: The TFLite runtime. ``auto`` takes the first one that works.
        threads: Processor threads for inference.
        prior: How often the device expects each label; the probabilities follow it. ``training`` is as often as the
            model saw it in training, ``balanced`` equally often, ``half`` between the two. A table of shares by label
            that sum to 1 says it for each.
        faces_per_frame: At most so many faces are classified in one frame; the others wait for the next.
    """

    model: str = ""
    runtime: Literal["auto", "litert", "tflite", "tensorflow"] = "auto"
    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    prior: NamedPrior | dict[str, Share] = DEFAULT_PRIOR
    faces_per_frame: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8


class SmoothingSettings(_Section, frozen=True):
    """When the expression of a face counts as stable.

    Attributes:
        half_life_s: Half-life of the average over past frames. Longer is steadier and slower.
        switch_margin: A new expression takes over only when it leads the current one by so much.
        hold_s: A new expression takes over only after it has been ahead for so long.
        uncertain_below: Under this probability the answer is ``uncertain``.
        uncertain_band: ``uncertain`` ends only above ``uncertain_below`` plus this.
    """

    half_life_s: Seconds = 0.7
    switch_margin: Fraction = 0.10
    hold_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 0.6
    uncertain_below: Fraction = 0.45
    uncertain_band: Fraction = 0.05


class RestingFaceSettings(_Section, frozen=True):
    """Whether each person's face at rest is learnt while it is followed, and taken off its answers.

    Some faces at rest look sad or angry to every classifier. What was learnt is forgotten with the track.

    Attributes:
        learn: Whether faces at rest are learnt, and answers corrected by them.
        after_s: A face is corrected after it has been followed for so long.
        max_offset: How far one label can be lowered, as a difference of logarithms. 0.5 makes a label at most 1.65
            times less likely against ``neutral``, so a face that is clearly sad stays sad.
    """

    learn: bool = True
    after_s: Annotated[float, msgspec.Meta(ge=10.0, le=3600.0)] = 180.0
    max_offset: Annotated[float, msgspec.Meta(gt=0.0, le=5.0)] = 0.5


class SummarySettings(_Section, frozen=True):
    """How often the class as a whole is summed up.

    Attributes:
        window_s: Length of the time that one ``summary`` message covers.
    """

    window_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] = 5.0


class PolicySettings(_Section, frozen=True):
    """The operator's declaration, without which no live camera starts.

    The agent checks it before it opens a live camera.

    Attributes:
        jurisdiction: A country (ISO 3166-1 or -2: ``CH``, ``US-CA``), ``EU`` or ``EEA``.
        setting: Where the camera hangs: ``education``, ``workplace``, ``healthcare``, ``research``, ``home``,
            ``public`` or ``other``.
        legal_basis: A few words such as ``consent`` or ``safety``. ``status`` shows them.
        declared_by: Who answers for the declaration. It stays on the device.
    """

    jurisdiction: str = ""
    setting: str = ""
    legal_basis: str = ""
    declared_by: str = ""


class PrivacySettings(_Section, frozen=True):
    """What may leave the device. No level ever sends or stores a picture.

    Attributes:
        level: ``faces`` publishes events of each face, ``summary`` only statistics of the group.
        min_group: A summary over fewer faces is suppressed. At the level ``summary`` so few faces are not classified
            either, and nothing else reveals them.
        blur: At the level ``summary``: how wide, in faces, the range is from which secret thresholds are drawn, so that
            successive summaries do not give one person away. Wider protects better and says less. 0 publishes exact
            figures of each window.
        hold_s: At the level ``summary``, with ``blur``: figures describe blocks of a random length, between this and
            twice as long. Shorter is faster and protects less.
        boxes: Whether events of a face say where it was in the frame.
    """

    level: Literal["faces", "summary"] = "faces"
    min_group: Annotated[int, msgspec.Meta(ge=1, le=40)] = 5
    blur: Annotated[int, msgspec.Meta(ge=0, le=40)] = 18
    hold_s: Annotated[float, msgspec.Meta(ge=10.0, le=3600.0)] = 150.0
    boxes: bool = False

    @property
    def protects_members(self) -> bool:
        """Whether nothing that is published may give one member of the group away."""
        return self.level == "summary" and self.blur > 0


class TlsSettings(_Section, frozen=True):
    """Encryption to the broker.

    Attributes:
        enabled: Whether the connection is encrypted.
        ca: File with the certificate of the authority that signed the broker's. Empty means the system's certificate
            store.
        cert: File with the device's own certificate. Needs ``key``.
        key: File with the private key of ``cert``.
    """

    enabled: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""


class MqttSettings(_Section, frozen=True):
    """The broker and how messages are sent to it.

    Attributes:
        host: Name or address of the broker.
        port: Its TCP port. 8883 is usual with encryption.
        protocol: MQTT version. ``3.1.1`` is only for brokers that do not speak MQTT 5.
        username: User name at the broker; empty for none.
        password_file: File with the password alone in its first line. So the configuration can be shown to others.
        root: First part of all topics.
        keepalive_s: Longest silence before device and broker ask whether the other is still there.
        max_in_flight: At most so many messages wait for the broker's acknowledgement at a time.
        late_after_s: An event that is sent so long after it was accepted carries the ``historical`` property.
        will_delay_s: Under MQTT 5 the broker waits so long before it reports that this device is gone. A short break
            then does not look like a failure.
        session_expiry_s: Under MQTT 5 the broker keeps commands for a device that is away for so long.
        health_every_s: Time between two ``health`` messages.
        tls: Encryption; a table of its own.
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
    """Where events wait for the broker.

    Attributes:
        path: The outbox file. Empty keeps events in memory: right for a demonstration, not for a school.
        max_rows: With more events than this the oldest go first.
        max_mb: In a larger file the oldest events go first.
        keep_delivered_h: Delivered events are kept for so long. A subscriber can ask for them again.
        commit_s: Events are written to the disk at most so often. A crash loses what was not yet written.
    """

    path: str = ""
    max_rows: Annotated[int, msgspec.Meta(ge=100, le=10_000_000)] = 200_000
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    keep_delivered_h: Annotated[float, msgspec.Meta(ge=0.0, le=720.0)] = 24.0
    commit_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 0.25


class HomeAssistantSettings(_Section, frozen=True):
    """Whether Home Assistant finds this device by itself.

    With Home Assistant's own default settings ``enabled = true`` is all it takes.

    Attributes:
        enabled: Whether the device announces itself.
        prefix: Discovery prefix of Home Assistant's MQTT integration.
        status_topic: Topic on which Home Assistant says that it has started.
        dashboard_url: Address of the school's dashboard, which Home Assistant then shows with the device.
    """

    enabled: bool = False
    prefix: Name = "homeassistant"
    status_topic: Annotated[str, msgspec.Meta(pattern=r"^[^#+\x00]+$", max_length=256)] = "homeassistant/status"
    dashboard_url: Annotated[
        str, msgspec.Meta(pattern=r"^(https?://[A-Za-z0-9.\[\]:_-]+(/\S*)?)?$", max_length=1024)
    ] = ""


class LedSettings(_Section, frozen=True):
    """The light that shows that the camera is open.

    Attributes:
        name: One of ``/sys/class/leds``; empty for none.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.:+-]*)?$", max_length=64)] = ""


class MetricsSettings(_Section, frozen=True):
    """The statistics of ``health`` for Prometheus, at ``http://address:port/metrics``.

    They are served without a password: another address than a loopback one shows them to that network.

    Attributes:
        port: TCP port; 0 serves nothing.
        address: Address to listen on.
    """

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    address: str = "127.0.0.1"


class UpdateSettings(_Section, frozen=True):
    """Models published by the school. Without a ``key`` none is taken.

    Models are kept beside the outbox.

    Attributes:
        key: File with the school's public key for models. ``edge-agent enrol`` puts it in place.
        probation_s: A new model is watched until frames were classified for so long.
    """

    key: str = ""
    probation_s: Seconds = 600.0


class Settings(_Section, frozen=True):
    """All settings of the agent, one attribute for each table of the file."""

    device: DeviceSettings = DeviceSettings()
    camera: CameraSettings = CameraSettings()
    detector: DetectorSettings = DetectorSettings()
    tracker: TrackerSettings = TrackerSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    resting_face: RestingFaceSettings = RestingFaceSettings()
    summary: SummarySettings = SummarySettings()
    policy: PolicySettings = PolicySettings()
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    metrics: MetricsSettings = MetricsSettings()
    led: LedSettings = LedSettings()
    update: UpdateSettings = UpdateSettings()

    @property
    def follows_fleet(self) -> bool:
        """Whether the school may publish another model for this device."""
        return bool(self.update.key) and not self.classifier.model
