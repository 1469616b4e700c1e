"""What is fuzzed: each reader by name, with inputs to begin with."""

from __future__ import annotations

import atexit
import contextlib
import io
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.history.recorder import Recorder
from dashboard.history.retention import Retention
from dashboard.history.store import open_history
from dashboard.live.school import School
from dashboard.timetable import Timetable
from edge_agent.addresses.masking import shown_host, shown_path, shown_secret_path, shown_url
from edge_agent.addresses.parsing import parse_camera_url, parse_host
from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.client import Broker, Classroom, Device
from edge_agent.client.timestamps import anchors_of
from edge_agent.config import TlsSettings
from edge_agent.config_file import load_settings
from edge_agent.device.commands import CommandDispatcher
from edge_agent.device.desired_state import read_desired
from edge_agent.device.duplicate_ids import DuplicateIdDetector
from edge_agent.enrol.certificates import read_certificate, read_key, read_model_public_key, requested_key
from edge_agent.enrol.requests import Request, Response, decode_file
from edge_agent.errors import AgentError, Rejected
from edge_agent.model_format.bundle import pack_bundle, unpack_bundle
from edge_agent.model_format.flatbuffer import read_interface
from edge_agent.model_format.metadata import Metadata
from edge_agent.mqtt.events import Received
from edge_agent.mqtt.own_certificate import certificate_end
from edge_agent.outbox.recovery import recover_rows
from edge_agent.outbox.sqlite_pages import has_sound_head, log_is_damaged
from edge_agent.privacy.mute import MuteMemory, mute_file
from edge_agent.protocol.messages import Message, Status, decode, encode
from edge_agent.protocol.model_manifest import decode_manifest, decode_models
from edge_agent.update.model_folder import STATE_FILE, ModelFolder
from edge_agent.vision.camera_identity import FILE as CAMERA_FILE
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.camera_list import parse_csi_list
from edge_agent.vision.image_ending import ends_early, has_more_scans, is_truncated
from edge_agent.vision.image_header import read_header
from edge_agent.vision.sources.http_login import authorization, choose_challenge
from edge_agent.vision.sources.jpeg_stream import JpegSplitter
from edge_agent.vision.v4l2_devices import modes_of, query
from fleet.register import read_register
from train.common.keras_file import written_by
from train.data.affectnet import load_affectnet
from train.data.dataset import FaceSet
from train.data.expw import load_expw
from train.data.fer2013 import load_fer2013
from train.data.ferplus import load_votes
from train.data.ferplus_folders import load_ferplus
from train.data.label_map import open_label_map
from train.data.packed import read_lines
from train.data.picture_table import is_picture_table, load_picture_tables
from train.data.rafdb import load_rafdb
from train.fit.recipe import load_recipe

_SECRET = "Blue77Moon"
_TOPICS = ("status", "health", "expression", "summary", "reply", "desired")


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        name: Its name on the command line.
        reads: What it reads, in a few words.
        run: Reads one input. It may raise :class:`AgentError`, which refuses the input.
        seeds: Inputs to begin with.
        max_bytes: Longer inputs are not tried.
    """

    name: str
    reads: str
    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    max_bytes: int = 4096

    def try_input(self, data: bytes) -> None:
        """Read one input.

        Raises:
            Exception: A fault of the reader.
        """
        with contextlib.suppress(AgentError):
            self.run(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").replace("\udcff", "").encode("utf-8", "replace").decode()


@contextlib.contextmanager
def _file(data: bytes, name: str = "input") -> Iterator[Path]:
    """The input as a file in a folder of its own."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def _settings(data: bytes) -> None:
    with _file(data, "agent.toml") as path:
        load_settings(path)


def _recipe(data: bytes) -> None:
    with _file(data, "own.toml") as path:
        load_recipe(str(path))


def _label_map(data: bytes) -> None:
    with _file(data, "map.toml") as path:
        open_label_map(str(path)).read(["1", "happy", "Angry"], "fuzz", of_emotions=True)


def _bundle(data: bytes) -> None:
    unpack_bundle(data, "fuzz")


def _flatbuffer(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # what the reader of bundles expects of it
        read_interface(data)


def _manifest(data: bytes) -> None:
    with contextlib.suppress(AgentError):
        for signed in decode_models(data).manifests:
            decode_manifest(signed.body)
    manifest = decode_manifest(_text(data))
    assert manifest.parts >= 1
    assert sum(manifest.size_of(part) for part in range(min(manifest.parts, 50))) <= manifest.size_bytes


def _command(data: bytes) -> None:
    answers: list[object] = []
    CommandDispatcher(lambda _wanted, answer: answer(Rejected("no")), {}).handle(data, "S", answers.append)
    assert len(answers) == 1
    read_desired(data)


@cache
def _classroom() -> Classroom:
    return Classroom(Broker("127.0.0.1"))


def _client(data: bytes) -> None:
    """The first byte chooses the topic and the marks of the message; several messages are separated by a zero byte."""
    classroom = _classroom()
    for part in data.split(b"\0"):
        which, payload = (part[0] if part else 0), part[1:]
        topic = f"classroom/v1/north/pi-3a/{_TOPICS[which % len(_TOPICS)]}"
        received = Received(topic, payload, retained=bool(which & 64), historical=bool(which & 128))
        for notice in classroom._read(received):
            message: Any = getattr(notice, "message", None)
            if hasattr(message, "mono_ms"):
                classroom.time_of(notice.device, message)  # type: ignore[union-attr]
    classroom._journal.tick(1e9)


@cache
def _page() -> tuple[School, Recorder]:
    """What the page knows and stores; the file goes when this process ends."""
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    atexit.register(folder.cleanup)
    history = open_history(str(Path(folder.name) / "dashboard.db"))
    return School(0.0), Recorder(history, retention=Retention(faces_days=1), now=lambda: 1_800_000_000.0)


def _page_messages(data: bytes) -> None:
    """As for the client; what it reports goes to the page and into its database."""
    classroom, (school, recorder) = _classroom(), _page()
    for part in data.split(b"\0"):
        which, payload = (part[0] if part else 0), part[1:]
        topic = f"classroom/v1/north/pi-3a/{_TOPICS[which % len(_TOPICS)]}"
        received = Received(topic, payload, retained=bool(which & 64), historical=bool(which & 128))
        for notice in classroom._read(received):
            school.apply(notice, 1_800_000_000.0)
            recorder.take(notice, classroom)
    assert recorder.commit()


def _timetable(data: bytes) -> None:
    begin = 1_790_000_000.0  # September 2026
    with _file(data, "timetable.ics") as path:
        timetable = Timetable([path], ZoneInfo("Europe/Zurich"))
        lessons = timetable.lessons(Device("north", "pi-3a"), "3a", begin, begin + 14 * 86_400.0)
    assert all(lesson.start < lesson.end for lesson in lessons)


def _status(data: bytes) -> None:
    status = decode(data, Status)
    anchors_of(status)
    detector = DuplicateIdDetector()
    detector.connected("01M8JT5MVP9KPR6Y")
    detector.saw(status, retained=True)
    detector.saw(status, retained=False)


def _header(data: bytes) -> None:
    header = read_header(data)
    assert header is None or (header.width >= 0 and header.height >= 0)
    is_truncated(data)
    if header is not None:
        ends_early(data, header.format)
    has_more_scans(data, 3)


def _jpeg_stream(data: bytes) -> None:
    """What comes out does not depend on how the bytes came in."""
    step = 1 + (data[0] if data else 0) % 61
    whole, pieces = JpegSplitter(2000), JpegSplitter(2000)
    at_once = whole.feed(data)
    apart = [picture for at in range(0, len(data), step) for picture in pieces.feed(data[at : at + step])]
    assert at_once == apart
    assert all(len(picture) <= 2000 for picture in apart)


def _http_login(data: bytes) -> None:
    challenge = choose_challenge(_text(data).split("\n"))
    if challenge is not None:
        header = authorization(challenge, "/stream", "admin", _SECRET)
        assert "\n" not in header
        assert "\r" not in header
        header.encode("latin-1", "strict" if header.isascii() else "ignore")


def _v4l2(data: bytes) -> None:
    """A driver that answers with these bytes, and a program that lists cameras."""
    rest = [data]

    def ask(_node: Path, _number: int, argument: bytes) -> bytes:
        if not rest[0]:
            raise OSError
        answer, rest[0] = rest[0][: len(argument)], rest[0][len(argument) :]
        return answer.ljust(len(argument), b"\0")

    with contextlib.suppress(OSError):
        query(Path("/dev/video0"), ask)
    modes_of(Path("/dev/video0"), ask)
    parse_csi_list(_text(data))


def _address(data: bytes) -> None:
    """What is before the last @ is in no message."""
    text = _text(data)
    parse_host(text)
    shown_host(text)
    for source in ("rtsp", "http", "snapshot"):
        parse_camera_url(text, source)
    shown_url(text)
    shown_path(text)
    shown_secret_path(text)
    scrubbed(text)
    if "@" not in text or _SECRET in text.rpartition("@")[2]:
        return
    assert _SECRET not in shown_url(text)


def _enrolment(data: bytes) -> None:
    text = _text(data)
    actions: tuple[Callable[[], object], ...] = (
        lambda: decode_file(data, Request, "fuzz"),
        lambda: decode_file(data, Response, "fuzz"),
        lambda: requested_key(text, "fuzz"),
        lambda: read_certificate(data, "fuzz"),
        lambda: read_key(data, "fuzz"),
        lambda: read_model_public_key(data, "fuzz"),
    )
    for action in actions:
        with contextlib.suppress(AgentError):
            action()
    with _file(data, "device.crt") as path:
        certificate_end(TlsSettings(enabled=True, cert=str(path), key=str(path)))


def _register(data: bytes) -> None:
    with _file(data, "register.json") as path:
        read_register(path.parent)


def _outbox(data: bytes) -> None:
    """The file and, behind a mark, its log."""
    content, _, log = data.partition(b"-- log --")
    with _file(content, "outbox.db") as path:
        path.with_name("outbox.db-wal").write_bytes(log)
        has_sound_head(path)
        log_is_damaged(path)
        recover_rows(path)


def _state_files(data: bytes) -> None:
    with _file(data, CAMERA_FILE) as path:
        CameraMemory(path.parent, "hash").of("/dev/video0")
        (path.parent / STATE_FILE).write_bytes(data)
        with contextlib.suppress(AgentError):
            ModelFolder(path.parent).state()
        mute_file(path.parent, "north", "pi-3a").write_bytes(data)
        MuteMemory(path.parent, "north", "pi-3a")


def _fer2013(data: bytes) -> None:
    with _file(data, "fer2013.csv") as path:
        load_fer2013(path, on_unreadable="report")


def _votes(data: bytes) -> None:
    with _file(data, "fer2013new.csv") as path:
        load_votes(path, _faces())


def _rafdb(data: bytes) -> None:
    with _file(data, "list_patition_label.txt") as path:
        _write_picture(path.with_name("aligned") / "train_00001_aligned.jpg")
        load_rafdb(path, on_unreadable="report")


def _picture_table(data: bytes) -> None:
    with _file(data, "list.csv") as path:
        _write_picture(path.with_name("a.png"))
        if is_picture_table(path):
            load_picture_tables([path], path.parent, on_unreadable="report", label_map=open_label_map("affectnet"))


def _expw(data: bytes) -> None:
    with _file(data, "label.lst") as path:
        _write_picture(path.with_name("a.jpg"))
        load_expw(path, on_unreadable="report")


def _affectnet(data: bytes) -> None:
    with _file(data, "0_exp.npy") as path:
        _write_picture(path.parent / "images" / "0.jpg")
        (path.parent / "annotations").mkdir()
        path.replace(path.parent / "annotations" / path.name)
        load_affectnet({path.parent: "train"}, path.parent, on_unreadable="report")


def _ferplus_folders(data: bytes) -> None:
    with _file(data, "label.csv") as path:
        _write_picture(path.with_name("fer0.png"))
        load_ferplus({path: "train"}, path.parent, on_unreadable="report")


@cache
def _picture() -> bytes:
    import cv2

    return cv2.imencode(".png", np.arange(80 * 60, dtype=np.uint8).reshape(60, 80))[1].tobytes()


def _write_picture(path: Path) -> None:
    """A photograph for a list to name, so that its box is used."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(_picture())


def _annotation() -> list[bytes]:
    stored = io.BytesIO()
    np.save(stored, np.array("3"))
    return [stored.getvalue()]


def _packed(data: bytes) -> None:
    with _file(data) as path:
        for number, _ in enumerate(read_lines(path, preferred=("fer2013.csv",))):
            if number > 1000:
                break
        written_by(path)


@cache
def _faces() -> FaceSet:
    nameless = np.full(2, "")
    return FaceSet(
        name="fer2013",
        images=np.zeros((2, 48, 48, 1), np.uint8),
        labels=np.array([0, 1], np.int64),
        classes=("angry", "happy"),
        usage=np.array(["Training", "PublicTest"]),
        origin=np.array(["fer2013.csv:2", "fer2013.csv:3"]),
        subject=nameless,
        sequence=nameless,
        unreadable=(),
    )


def _settings_seeds() -> list[bytes]:
    toml = [
        '[device]\nsite = "north"\nid = "pi-3a"\n[mqtt]\nhost = "broker"\nport = 8883\n[mqtt.tls]\nenabled = true\n',
        '[camera]\nsource = "rtsp"\nurl = "rtsp://admin:Blue77Moon@cam:554/s?token=x"\nfps = 5\n',
        '[[detector.ignore]]\npoints = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]]\nname = "poster"\n',
        '[policy]\njurisdiction = "CH"\nsetting = "other"\nlegal_basis = "consent"\n[outbox]\nmax_rows = 10\n',
    ]
    return [text.encode() for text in toml]


def _message_seeds() -> list[bytes]:
    from edge_agent.protocol.asyncapi.examples import EXAMPLES

    messages = [example.message for examples in EXAMPLES.values() for example in examples]
    return [encode(message) for message in messages if isinstance(message, Message)]


def _timetable_seeds() -> list[bytes]:
    weekly = (
        "UID:m\nSUMMARY:Maths 3a\nLOCATION:Room 3a\nDTSTART;TZID=Europe/Zurich:20260914T080000\n"
        "DTEND;TZID=Europe/Zurich:20260914T084500\nRRULE:FREQ=WEEKLY;UNTIL=20261201T000000Z;BYDAY=MO,TU\n"
        "EXDATE;TZID=Europe/Zurich:20260921T080000\nRDATE:20260922T090000Z\n"
    )
    moved = (
        "UID:m\nRECURRENCE-ID;TZID=Europe/Zurich:20260928T080000\nSUMMARY:3a\nSTATUS:CANCELLED\n"
        "DTSTART:20260928T100000Z\nDURATION:PT45M\n"
    )
    day = "UID:d\nSUMMARY:3a\nDTSTART;VALUE=DATE:20260925\nDTEND;VALUE=DATE:20260926\nRRULE:FREQ=MONTHLY;COUNT=3\n"
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Europe/Zurich\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\n"
        "TZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    bodies = [weekly, moved, day]
    events = "".join(f"BEGIN:VEVENT\n{body}END:VEVENT\n" for body in bodies)
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\n{zone}{events}END:VCALENDAR\n"
    single = [f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{body}END:VEVENT\nEND:VCALENDAR\n" for body in bodies]
    return [text.replace("\n", "\r\n").encode() for text in (whole, *single)]


def _outbox_seeds() -> list[bytes]:
    from edge_agent.outbox.sqlite_store import SqliteStore
    from tests.support.samples import a_delivery, a_row

    with _file(b"", "outbox.db") as path:
        path.unlink()
        store = SqliteStore(path)
        store.write([a_row(number, payload=b'{"v":1,"session":"S1","seq":%d}' % number) for number in (1, 2)], ())
        store.write((), [a_delivery(1)])
        log = path.with_name("outbox.db-wal").read_bytes()
        content = path.read_bytes()
        store.close()
        return [content + b"-- log --" + log, path.read_bytes()]


def _bundle_seeds() -> list[bytes]:
    from tests.support.tflite_models import dense_model, metadata

    described: Metadata = metadata()
    return [pack_bundle(dense_model(), described)]


def _image_seeds() -> list[bytes]:
    import cv2

    image = np.zeros((5, 7, 3), np.uint8)
    kinds = (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".jp2", ".gif")
    encoded = []
    for kind in kinds:
        with contextlib.suppress(cv2.error):
            written, content = cv2.imencode(kind, image)
            if written:
                encoded.append(content.tobytes())
    return encoded


def _enrolment_seeds() -> list[bytes]:
    from edge_agent.enrol.certificates import certificate_pem, key_pem, make_signing_request, new_key
    from tests.support.brokers_certificates import TestAuthority

    key = new_key()
    with tempfile.TemporaryDirectory() as folder:
        authority = TestAuthority(Path(folder) / "a")
        return [make_signing_request(key, "north/pi-3a").encode(), certificate_pem(authority.certificate), key_pem(key)]


def _csv_seeds() -> list[bytes]:
    pixels = " ".join(["7"] * 48 * 48)
    return [f"emotion,pixels,Usage\n3,{pixels},Training\n0,{pixels},PublicTest\n".encode()]


def _packed_seeds() -> list[bytes]:
    import gzip
    import lzma
    import tarfile
    import zipfile

    text = b"emotion,pixels,Usage\n3,1 2,Training\n"
    archive, tar = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("fer2013.csv", text)
    with tarfile.open(fileobj=tar, mode="w:gz") as tarred:
        entry = tarfile.TarInfo("fer2013.csv")
        entry.size = len(text)
        tarred.addfile(entry, io.BytesIO(text))
    return [text, gzip.compress(text), lzma.compress(text), archive.getvalue(), tar.getvalue()]


def _literal(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


_ALL = (
    Target("settings", "the settings file", _settings, _settings_seeds),
    Target("recipe", "a training recipe", _recipe, _literal('title = "own"\n[[phases]]\nepochs = 3\n')),
    Target("label-map", "a label map", _label_map, _literal('"1" = "surprise"\n"happy" = "happy"\n'), 8192),
    Target("bundle", "a model bundle", _bundle, _bundle_seeds, 131_072),
    Target("flatbuffer", "a model's graph", _flatbuffer, _bundle_seeds, 131_072),
    Target(
        "manifest",
        "a published model",
        _manifest,
        _literal(
            '{"v":1,"publications":[{"body":"{}","signature":"AAAA"}]}',
            '{"version":3,"sha256":"' + "a" * 64 + '","size_bytes":70000,"part_bytes":65536,"devices":["n/p"]}',
        ),
    ),
    Target(
        "command",
        "a command or a desired state",
        _command,
        _literal(
            '{"v":1,"id":"c1","command":"resend","session":"01M8JT5MVP9KPR6Y","topic":"expression","from":1,"to":9}',
            '{"v":1,"muted":true,"issued_at":"2026-11-29T08:00:00Z","model":"edge"}',
        ),
    ),
    Target("client", "messages at a subscriber", _client, lambda: [b"\x02" + seed for seed in _message_seeds()], 8192),
    Target("page", "messages at the page", _page_messages, lambda: [b"\x02" + seed for seed in _message_seeds()], 8192),
    Target("timetable", "a school's timetable", _timetable, _timetable_seeds, 8192),
    Target("status", "a status message at the device", _status, _message_seeds),
    Target("image-header", "the head of a picture", _header, _image_seeds),
    Target("jpeg-stream", "the stream of a network camera", _jpeg_stream, _image_seeds),
    Target(
        "http-login",
        "what a network camera asks for",
        _http_login,
        _literal('Digest realm="cam", nonce="n7", qop="auth,auth-int", algorithm=SHA-256, opaque="o"', "Basic realm=x"),
    ),
    Target(
        "v4l2",
        "what drivers and programs say of cameras",
        _v4l2,
        lambda: [
            struct.pack("=16s32s", b"uvcvideo", b"HD Camera").ljust(400, b"\1"),
            b"0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)\n",
        ],
    ),
    Target(
        "address",
        "addresses of cameras and brokers",
        _address,
        _literal(
            f"rtsp://admin:{_SECRET}@cam:554/s?token=1",
            f"http://u:{_SECRET}%40@[fe80::1%25eth0]/x",
            f"rtsp:/a:{_SECRET}@h",
            "broker.local:1883",
        ),
    ),
    Target("enrolment", "requests, responses, keys and certificates", _enrolment, _enrolment_seeds),
    Target(
        "register",
        "a school's register",
        _register,
        _literal('{"v":1,"school":{"name":"s","hosts":["broker.local"],"port":8883,"root":"classroom"},"devices":[]}'),
    ),
    Target("outbox", "a damaged outbox and its log", _outbox, _outbox_seeds, 65_536),
    Target(
        "state-files",
        "the device's own state files",
        _state_files,
        _literal(
            '{"muted":true,"issued_at":"2026-11-29T08:00:00Z"}',
            '{"v":1,"highest":3}',
            '{"path":"/dev/video0","declaration":"hash","card":"HD","bus":"usb","serial":"1"}',
        ),
    ),
    Target("fer2013", "a table of faces", _fer2013, _csv_seeds, 16_384),
    Target(
        "votes",
        "a table of votes",
        _votes,
        _literal(
            "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
            "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\nPublicTest,fer0000001.png,6,0,1,1,0,0,0,0,2,0\n"
        ),
    ),
    Target("rafdb", "a list of pictures", _rafdb, _literal("train_00001.jpg 5\ntest_0001.jpg 7\n"), 8192),
    Target(
        "picture-table",
        "a table of pictures",
        _picture_table,
        _literal(
            "image,label,split\na.png,happy,train\n",
            "sep=;\nfilename;class;xmin;ymin;xmax;ymax\na.png;happy;3;4;50;40\n",
            "filename, happy, sad\na.png, 0, 1\n",
            "subDirectory_filePath,face_x,face_y,face_width,face_height,expression\na.png,3,4,50,40,1\n",
        ),
        8192,
    ),
    Target("expw", "ExpW's list", _expw, _literal("a.jpg 0 10 20 50 60 22.9 0\n"), 8192),
    Target("affectnet", "AffectNet's annotation", _affectnet, _annotation),
    Target(
        "ferplus", "FER+'s list", _ferplus_folders, _literal('fer0.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0\n'), 8192
    ),
    Target("packed", "packed tables and Keras files", _packed, _packed_seeds),
)

TARGETS = {target.name: target for target in _ALL}
