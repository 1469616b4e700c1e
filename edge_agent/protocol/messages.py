"""What travels over MQTT: JSON objects in UTF-8 with snake_case keys. The contract other people's software builds on.

Every message is one of these types, encoded by :func:`encode` and read by :func:`decode`. Receivers ignore fields they
do not know. ``session`` sorts by time: of two, the greater is the later. Times ending in ``_at`` are ISO 8601 in UTC
with milliseconds, as far as the device's clock knew; ``mono_ms`` counts milliseconds since the session began and cannot
be wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.protocol.topics import ASKER_PATTERN, VERSION

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""Limited to what a JSON number holds exactly in every language, and to what a database can compare."""
CommandId = Annotated[str, Meta(min_length=1, max_length=64)]
CommandName = Annotated[str, Meta(min_length=1, max_length=32)]
Asker = Annotated[str, Meta(pattern=ASKER_PATTERN)]
Range = Annotated[tuple[int, ...], Meta(min_length=2, max_length=2)]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601 in UTC with milliseconds: ``2026-11-22T09:00:00.123Z``."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=VERSION, tag_field="v"):
    """Every message starts with ``v``, the version of the contract it follows; another version is refused."""


class BoxPixels(msgspec.Struct, frozen=True, kw_only=True):
    """A square around a face, x to the right, y down. It may reach over the frame's edge.

    Attributes:
        left: Left edge in pixels of the frame.
        top: Upper edge in pixels of the frame.
        side: Length of a side in pixels of the frame.
    """

    left: int
    top: int
    side: int


class Expression(Message, frozen=True, kw_only=True):
    """One event: the stable expression of a tracked face started, changed or ended.

    Attributes:
        event_id: ``{device}/{session}/expression/{seq}``; the same event sent twice has the same id and the same bytes.
        kind: ``start``, ``change`` or ``end``; ``end`` names the expression that ended.
        track: The face's id: random, unique within the session, meaningless outside it.
        expression: One of the labels that ``status`` lists, or ``uncertain``. While the camera is ``dark`` or
            ``frozen``, no expression is given: those that were stable end.
        confidence: Calibrated probability of ``expression``; of the likeliest label when ``uncertain``.
        scores: Probability by label, summing to 1 but for rounding.
        previous: The stable expression before; null at ``start``.
        held_s: How long ``previous`` (at ``end``: ``expression``) had been stable, in seconds.
        observed_at: When the deciding frame was captured.
        mono_ms: The same moment in milliseconds since the session began.
        session: The run of the agent that observed it.
        seq: Number within session and topic, from 1, without gaps.
        clock_synced: Whether the device's clock was set; if not, date by ``mono_ms`` and ``status``.
        model: First 12 hex digits of the model file's sha256.
        box: Where the face was; only where the device's privacy settings ask for boxes.
    """

    event_id: str
    kind: Literal["start", "change", "end"]
    track: str
    expression: str
    confidence: Fraction
    scores: dict[str, Fraction]
    previous: str | None
    held_s: Annotated[float, Meta(ge=0.0)]
    observed_at: Moment
    mono_ms: int
    session: str
    seq: Number
    clock_synced: bool
    model: str
    box: BoxPixels | UnsetType = UNSET


class Summary(Message, frozen=True, kw_only=True):
    """The class over one window. Its time fields give the window's end.

    Attributes:
        event_id: ``{device}/{session}/summary/{seq}``; the same event sent twice has the same id and the same bytes.
        observed_at: When the window ended.
        window_s: Length of the window in seconds.
        faces: Mean number of faces present, rounded, and 1 at least where anybody was there; 0 where nobody was; null
            where suppressed.
        shares: Share of face time by stable expression (labels and ``uncertain``), summing to 1 but for rounding; empty
            where nobody had one; null where suppressed.
        suppressed: Whether the numbers are withheld: fewer faces than the device's ``privacy.min_group`` were present,
            the camera was closed, or it was ``dark`` or ``frozen`` during the window. Where ``min_group`` is 1, an
            empty classroom has ``faces`` 0. Where it is larger, nobody and a few look the same: else whatever
            is withheld would say that a few are there.
        muted: True where the camera has just been closed. It is the last summary until the camera is opened again, and
            figures that came before it no longer say anything about the present.
        approximate: True where the device protects single members of the group: at privacy level ``summary``, unless
            ``privacy.blur`` is 0. Then ``faces`` says roughly how large the group is. ``shares`` names an expression
            that many faces hold, with a rough share, and puts all others together as ``other``. ``neutral`` is always
            among the others, and so is what was named before and no longer is, until the group has left. Figures
            describe a block of some minutes before the window, and change only where the group as a whole does. A
            summary is then also suppressed before the first blocks are over, and for a group that is hardly larger than
            ``min_group``.
        with_baseline: How many of the faces were corrected by what they look like at rest, on average and rounded.
            Null where suppressed, and where they are fewer than ``min_group``. Where figures are approximate, it
            is as rough as a share, and null below a secret threshold. Absent where the device learns no faces at rest.

    The other attributes are those of :class:`Expression`.
    """

    event_id: str
    window_s: Annotated[float, Meta(gt=0.0)]
    faces: Count | None
    shares: dict[str, Fraction] | None
    suppressed: bool
    muted: bool | UnsetType = UNSET
    approximate: bool | UnsetType = UNSET
    with_baseline: Count | UnsetType | None = UNSET
    observed_at: Moment
    mono_ms: int
    session: str
    seq: Number
    clock_synced: bool
    model: str


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took.

    Attributes:
        p50: Median in milliseconds.
        p95: 95th percentile in milliseconds.
    """

    p50: float
    p95: float


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the frame source is.

    Attributes:
        state: ``ok``, ``starting``, ``stalled``, ``dark``, ``frozen``, ``failed``, ``ended``, ``muted``; more may come.
        reason: Why, for a person, where it is not well.
        undecodable: Pictures since the session began that could not be decoded and were skipped; ``frames_read`` does
            not count them.
    """

    state: str
    reason: str = ""
    undecodable: Count = 0


class OutboxHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Where events wait.

    Attributes:
        storage: ``disk``; ``memory`` where the settings say so; ``degraded`` where the disk fails and memory stands in.
        pending: Events accepted and not yet acknowledged by the broker.
        kept_bytes: Size in bytes of all events held, delivered ones that are kept for ``resend`` included.
        lost: Events given up since the session began: the outbox or its memory was full, or they were damaged.
    """

    storage: Literal["disk", "memory", "degraded"]
    pending: Count
    kept_bytes: Count
    lost: Count


class SearchHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How often frames were searched for faces over the reporting period; in all others known faces were followed.

    Attributes:
        frames: Frames taken through the pipeline.
        whole: Frames among them that were searched whole.
        regions: Frames among them of which some regions were searched.
        reasons: How many frames were searched for each reason: ``due`` by the steady rate, ``first`` and ``settling``
            at the start, ``gap`` after frames far apart, ``moved`` since something moved where no face is known,
            ``doubt`` since a face was not where it was expected, ``much`` since too much moved for regions.
        cpu_ms: Processor time of the searches in milliseconds, the mean over all frames.
    """

    frames: Count
    whole: Count
    regions: Count
    reasons: dict[str, Count]
    cpu_ms: float


class HealthReport(Message, frozen=True, kw_only=True):
    """What the pipeline knows about its own health; fields stay null where the platform does not report them.

    Where the privacy level is ``summary``, speed must not reveal how few people are there. With fewer than
    ``min_group`` faces at any moment of the reporting period ``latency_ms`` is empty, ``search`` and ``unread`` null,
    and ``fps`` a whole number. Frames are counted in hundreds at all times. Where single members of a group are
    protected (``privacy.blur``), that holds for all groups. ``fps`` and ``fps_limit`` are then the nearest of a few
    steps, and ``frames_dropped`` follows from ``fps``. A report then comes up to a second later, at random.

    Attributes:
        fps: Frames taken through the pipeline a second, over the reporting period.
        latency_ms: Time in milliseconds by stage (``detect``, ``classify``, ``total`` ...) over the reporting period.
        search: How often frames were searched for faces, and what that cost.
        unread: How many times over the reporting period a face was ``uncertain`` since no expression can be read from
            it, by the reason: ``dim`` there are too few gray levels, ``profile`` it is turned away, ``looking_down``,
            ``covered`` something hides its mouth, ``turned`` the whole picture is upside down or on its side; more may
            come.
        camera: State of the frame source.
        frames_read: Frames the source delivered since the session began.
        frames_dropped: Frames among them that the pipeline had no time for.
        temperature_c: Temperature of the processor in degrees Celsius.
        throttled: Whether the platform has reduced its clock for heat or low voltage.
        fps_limit: The frames a second that the device limits itself to while it is hot or throttled, so that each frame
            is still answered fast; null while it takes all.
        muted: Whether the camera is closed on request.
        problems: Short words for everything wrong, for example ``camera_stalled``; empty when all is well.
    """

    fps: float
    latency_ms: dict[str, Percentiles]
    camera: CameraHealth
    frames_read: Count
    frames_dropped: Count
    temperature_c: float | None = None
    throttled: bool | None = None
    fps_limit: float | None = None
    muted: bool = False
    search: SearchHealth | None = None
    unread: dict[str, Count] | None = None
    problems: tuple[str, ...] = ()


class Health(HealthReport, frozen=True, kw_only=True):
    """How the device is doing, retained, sent every ``health_every_s``.

    Attributes:
        outbox: Where events wait.
        last_seq: By topic, the highest ``seq`` of this session that the broker has acknowledged. A subscriber that has
            seen less has missed something and can ask for it with ``resend``.
        observed_at: When the report was made.

    The other attributes are those of :class:`HealthReport` and :class:`Expression`.
    """

    outbox: OutboxHealth
    last_seq: dict[str, Number]
    observed_at: Moment
    mono_ms: int
    session: str
    clock_synced: bool


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the agent whose events the device still holds.

    Attributes:
        session: Its id.
        started_at: When ``mono_ms`` was 0, as well as the device knows.
        clock_synced: Whether ``started_at`` comes from a clock that was set.
        last_seq: By topic, the highest ``seq`` the broker has acknowledged.
        lost: Events given up: the outbox or its memory was full, or they were damaged.
    """

    session: str
    started_at: Moment
    clock_synced: bool
    last_seq: dict[str, Number]
    lost: Count = 0


class DeclarationMark(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves the device of the operator's declaration; it does not show who made the declaration.

    Attributes:
        legal_basis: The declared basis, for example ``consent`` or ``safety``.
        hash: Of the entry in the device's own record of declarations, 64 hex digits.
    """

    legal_basis: str
    hash: str


class ModelUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a device's model comes from, and how the latest model that was published for it fares.

    Attributes:
        source: Of the model in use: it came with the agent, the device's settings name it, or the fleet published it.
        version: Of the manifest the model in use was published with; 0 where it is not the fleet's.
        state: Of the latest manifest: ``none`` there is none, ``downloading``, ``checking``, ``probation`` it is in
            use and watched, ``current`` it is in use; ``refused`` it was never used, ``rolled_back`` it was used and
            given up, ``failed`` it is tried again.
        wanted: Its version.
        wanted_model: First 12 hex digits of its sha256.
        reason: Of ``refused``, ``rolled_back`` and ``failed``, in words for a person.
    """

    source: Literal["bundled", "settings", "fleet"]
    version: Count = 0
    state: Literal["none", "downloading", "checking", "probation", "current", "refused", "rolled_back", "failed"] = (
        "none"
    )
    wanted: Count = 0
    wanted_model: str = ""
    reason: str = ""


class Status(Message, frozen=True, kw_only=True, omit_defaults=True):
    """Birth and death of a device's session, retained; the death is also the last will.

    A death whose ``session`` is smaller than the one seen last is late and says nothing about the device.

    Attributes:
        state: ``online`` is the birth, ``offline`` the death.
        session: The run that is born or dead.
        reason: Of a death: ``stopped`` on purpose, or ``connection_lost``.
        at: When it was sent; absent in the last will, which the broker sends.
        started_at: When ``mono_ms`` was 0, from the clock as it stands: dates events written before the clock was set.
        clock_synced: Whether the clock was set when this was written.
        labels: The expressions the model knows, in the order of its outputs.
        model: First 12 hex digits of the model file's sha256.
        model_update: Where the model comes from, and how an update of it stands.
        room: Where the device hangs, as configured.
        timezone: The device's time zone, as an IANA name where it has one.
        version: The agent's version.
        health_every_s: Seconds from one ``health`` to the next; a device silent for three times that is stale.
        sessions: Runs whose events the device still holds, newest first, this one included; 64 at most.
        declaration: The operator's declaration; absent where simulations and files need none.
        certificate_until: When the certificate ends with which the device proves itself to the broker; absent where it
            has none.
        privacy_level: What the device publishes: ``faces`` an event for each face, ``summary`` only summaries. More may
            come.
    """

    state: Literal["online", "offline"]
    session: str
    reason: Literal["stopped", "connection_lost"] | UnsetType = UNSET
    at: Moment | UnsetType = UNSET
    started_at: Moment | UnsetType = UNSET
    clock_synced: bool | UnsetType = UNSET
    labels: tuple[str, ...] = ()
    model: str = ""
    model_update: ModelUpdate | UnsetType = UNSET
    room: str = ""
    timezone: str = ""
    version: str = ""
    health_every_s: float | UnsetType = UNSET
    sessions: tuple[SessionRecord, ...] = ()
    declaration: DeclarationMark | UnsetType = UNSET
    certificate_until: Moment | UnsetType = UNSET
    privacy_level: str | UnsetType = UNSET


class Desired(Message, frozen=True, kw_only=True, omit_defaults=True):
    """What the device should be, retained; it converges when it comes back. Absent fields ask for nothing.

    A malformed message changes nothing, and a ``reply`` with ``command`` ``desired`` says why. But a ``muted`` that is
    ``true`` is obeyed wherever the message is a JSON object; nothing malformed opens a camera.

    Attributes:
        muted: Whether the camera is to be closed. The device remembers it: an absent field or a deleted message changes
            nothing.
        issued_at: When this was asked for, by the sender's clock. Of two dated messages the older one never overrides
            the newer one, which matters where a broker goes back to a state of its past.
        model: First 12 hex digits of the model to run: of those published (``models``) no other one is taken then.
    """

    muted: bool | UnsetType = UNSET
    issued_at: str | UnsetType = UNSET
    model: str | UnsetType = UNSET


class Command(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A request to the device, answered on ``reply``.

    Attributes:
        id: Chosen by the sender; the reply carries it.
        command: ``ping``, ``resend``, ``snapshot`` ...
        session: ``resend``: the run whose events are asked for.
        topic: ``resend``: ``expression`` or ``summary``.
        first: ``resend``, key ``from``: the first ``seq`` wanted.
        last: ``resend``, key ``to``: the last ``seq`` wanted.
        reply_to: ``resend``: who asks, as ``ACCOUNT/PROGRAM``: the account's name at the broker (``-`` for none) and a
            name of the program's own. The events then travel on ``{root}/resent/v1/{reply_to}/{site}/{device}/{topic}``
            and nobody else gets them. Without it they travel on their own topic, to all subscribers.
    """

    id: CommandId
    command: CommandName
    session: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    first: Number | UnsetType = msgspec.field(default=UNSET, name="from")
    last: Number | UnsetType = msgspec.field(default=UNSET, name="to")
    reply_to: Asker | UnsetType = UNSET


class Reply(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a command, or to a ``desired`` that is not understood.

    Attributes:
        id: That of the command; empty where it could not be read.
        command: Which it was; empty where it could not be read. ``desired`` where what is refused is no command but a
            malformed message on that topic.
        ok: Whether it was carried out.
        session: The run that answers.
        error: Why not.
        result: What the command gives: :class:`ResendResult` for ``resend``, :class:`SnapshotResult` for ``snapshot``;
            empty for ``ping`` and where it was not carried out.
    """

    id: str
    command: str
    ok: bool
    session: str
    error: str = ""
    result: dict[str, Any] = {}


class ResendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``resend`` gives; the events themselves follow on their own topic, or on the asker's.

    Attributes:
        count: How many events are sent again.
        missing: Ranges of ``seq`` the device no longer holds, each the first and the last number.
        more_from: The ``seq`` to ask from next; only where the range was longer than one answer.
    """

    count: Count
    missing: tuple[Range, ...]
    more_from: Number | UnsetType = UNSET


class TrackNow(msgspec.Struct, frozen=True, kw_only=True):
    """A face present now.

    Attributes:
        track: Its id, as in ``expression``.
        expression: Its stable expression; null before it has one.
    """

    track: str
    expression: str | None


class SnapshotResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``snapshot`` gives, for who joins in mid-lesson.

    Attributes:
        tracks: The faces present now.
    """

    tracks: tuple[TrackNow, ...]


M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """The message as it goes on the wire. The same message always gives the same bytes."""
    return _encoder.encode(message)


def decode(payload: bytes, kind: type[M]) -> M:
    """Read a message; unknown fields are ignored.

    Raises:
        InputError: The payload is no JSON, or not a message of this kind.
    """
    try:
        message: M = decode_json(payload, kind)
    except UNDECODABLE as error:
        name = kind.__name__.lower()
        raise InputError(f"not {'an' if name[0] in 'aeiou' else 'a'} {name} message: {error}") from None
    return message
