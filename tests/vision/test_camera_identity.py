"""Which camera was declared, on folders laid out like /dev and /sys, and what is listed of those that are there."""

from __future__ import annotations

import errno
import json
import logging
import os
import struct
from pathlib import Path

import pytest

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.vision.camera_identity import FILE, CameraMemory, forget
from edge_agent.vision.camera_list import parse_csi_list, present_cameras, refused_nodes
from edge_agent.vision.csi_sensors import csi_camera, csi_sensors
from edge_agent.vision.sources.csi import open_csi
from edge_agent.vision.v4l2_devices import CameraIdentity, CameraMode, identity_of, modes_of
from tests.support.rpicam_vid import install

WEBCAM = CameraIdentity("HD Webcam", "046d:0825", "A1B2", "usb-046d_0825_A1B2-video-index0")
TWIN = CameraIdentity("HD Webcam", "046d:0825", "C3D4", "usb-046d_0825_C3D4-video-index0")
OTHER = CameraIdentity("Phone", "18d1:4eed")


def plugged_in(root: Path, number: int, identity: CameraIdentity) -> Path:
    """A USB camera as udev and sysfs show it."""
    dev, interface = root / "dev", root / "sys/devices/usb1" / f"1-{number}" / f"1-{number}:1.0"
    node = dev / f"video{number}"
    for folder in (dev / "v4l/by-id", interface, root / "sys/class/video4linux" / node.name):
        folder.mkdir(parents=True, exist_ok=True)
    node.touch()
    if identity.by_id:
        (dev / "v4l/by-id" / identity.by_id).symlink_to(f"../../{node.name}")
    (root / "sys/class/video4linux" / node.name / "device").symlink_to(interface)
    vendor, _, product = identity.usb.partition(":")
    for name, content in (("idVendor", vendor), ("idProduct", product), ("serial", identity.serial)):
        if content:
            (interface.parent / name).write_text(content + "\n")
    return node


def test_a_camera_is_known_by_card_usb_numbers_serial_and_lasting_name(tmp_path: Path) -> None:
    for number, identity in enumerate((WEBCAM, TWIN, OTHER)):
        node = plugged_in(tmp_path, number, identity)
        assert identity_of(node, identity.card, tmp_path / "dev", tmp_path / "sys") == identity
    link = tmp_path / "dev/v4l/by-id" / TWIN.by_id
    assert identity_of(link, TWIN.card, tmp_path / "dev", tmp_path / "sys") == TWIN


def test_a_camera_without_usb_has_its_card_alone(tmp_path: Path) -> None:
    assert identity_of(tmp_path / "video7", "Loopback", tmp_path, tmp_path) == CameraIdentity("Loopback")


def test_the_first_camera_that_works_is_noted_and_another_is_refused(tmp_path: Path) -> None:
    CameraMemory(tmp_path, "hash").note("/dev/video0", WEBCAM)
    memory = CameraMemory(tmp_path, "hash")
    memory.check("/dev/video0", WEBCAM)
    memory.note("/dev/video0", OTHER)
    assert memory.of("/dev/video0") == WEBCAM
    for another in (TWIN, OTHER, CameraIdentity("HD Webcam")):
        with pytest.raises(CameraError, match=r"got another camera: .*expected the declared one: HD Webcam \(USB 046d"):
            memory.check("/dev/video0", another)


def test_a_camera_in_another_socket_is_the_same(tmp_path: Path) -> None:
    memory = CameraMemory(tmp_path, "hash")
    memory.note("0", WEBCAM)
    memory.check("0", CameraIdentity(WEBCAM.card, WEBCAM.usb, WEBCAM.serial, "another link"))


def test_whoever_changes_setting_or_declaration_means_another_camera(tmp_path: Path) -> None:
    CameraMemory(tmp_path, "hash").note("/dev/video0", WEBCAM)
    CameraMemory(tmp_path, "hash").check("/dev/video2", OTHER)
    changed = CameraMemory(tmp_path, "another hash")
    changed.check("/dev/video0", OTHER)
    changed.note("/dev/video0", OTHER)
    assert CameraMemory(tmp_path, "another hash").of("/dev/video0") == OTHER


def test_a_camera_is_forgotten_on_request(tmp_path: Path) -> None:
    CameraMemory(tmp_path, "hash").note("/dev/video0", WEBCAM)
    assert forget(tmp_path)
    assert not forget(tmp_path)
    CameraMemory(tmp_path, "hash").check("/dev/video0", OTHER)


def test_who_only_looks_notes_nothing_and_needs_no_declaration(tmp_path: Path) -> None:
    looking = CameraMemory(tmp_path, None, read_only=True)
    looking.note("/dev/video0", WEBCAM)
    assert not (tmp_path / FILE).exists()
    CameraMemory(tmp_path, "hash").note("/dev/video0", WEBCAM)
    with pytest.raises(CameraError, match="another camera"):
        CameraMemory(tmp_path, None, read_only=True).check("/dev/video0", OTHER)


@pytest.mark.parametrize(
    "content", [b"\xff{", b"", b"{}", b'{"path": "0", "declaration": "hash"', b"[" * 5000, b"null"]
)
def test_where_the_note_is_damaged_no_camera_is_taken_until_it_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    for memory in (CameraMemory(tmp_path, "hash"), CameraMemory(tmp_path, None, read_only=True)):
        with pytest.raises(CameraError, match=r"got a damaged file, .*edge-agent cameras --forget --config FILE"):
            memory.check("/dev/video0", WEBCAM)
    assert (tmp_path / FILE).read_bytes() == content
    assert forget(tmp_path)
    memory = CameraMemory(tmp_path, "hash")
    memory.check("/dev/video0", WEBCAM)
    memory.note("/dev/video0", WEBCAM)
    assert json.loads((tmp_path / FILE).read_text())["serial"] == "A1B2"


def test_where_the_note_cannot_be_read_no_camera_is_taken(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(CameraError, match="cannot be read"):
        CameraMemory(tmp_path, "hash").check("/dev/video0", WEBCAM)


def test_without_a_state_folder_a_camera_is_remembered_for_the_run() -> None:
    memory = CameraMemory(None, "")
    memory.note("0", WEBCAM)
    with pytest.raises(CameraError, match="another camera"):
        memory.check("0", OTHER)


def answering(_node: Path, number: int, argument: bytes) -> bytes:
    """A driver with MJPG in two sizes of which one at two rates, and YUYV in a range of sizes and rates."""
    index, *rest = struct.unpack("=5I", argument[:20])
    mjpg, yuyv = (int.from_bytes(name, "little") for name in (b"MJPG", b"YUYV"))
    if number == 0xC0405602 and index < 2:
        return struct.pack("=III32sI16x", index, 1, 0, b"some words", (mjpg, yuyv)[index])
    if number == 0xC02C564A:
        if rest[0] == mjpg and index < 2:
            return struct.pack("=III6I8x", index, mjpg, 1, *((640, 480), (1280, 720))[index], 0, 0, 0, 0)
        if rest[0] == yuyv and index == 0:
            return struct.pack("=III6I8x", index, yuyv, 3, 160, 1920, 2, 120, 1080, 2)
    if number == 0xC034564B:
        code, width, height = rest[:3]
        if code == mjpg and index < (2 if width == 1280 else 0):
            return struct.pack("=5I6I8x", index, code, width, height, 1, 1, (15, 30)[index], 0, 0, 0, 0)
        if code == yuyv and index == 0:
            return struct.pack("=5I6I8x", index, code, width, height, 2, 1, 25, 1, 5, 0, 0)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def test_modes_are_what_the_driver_answers() -> None:
    assert modes_of(Path("/dev/video0"), answering) == [
        CameraMode("MJPG", 1280, 720, 30.0),
        CameraMode("MJPG", 640, 480, 0.0),
        CameraMode("YUYV", 1920, 1080, 25.0),
    ]


def test_the_list_says_how_to_name_each_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cards = {plugged_in(tmp_path, number, one): one.card for number, one in enumerate((WEBCAM, OTHER))}
    found = present_cameras(tmp_path / "dev", tmp_path / "sys", cards.get, lambda node: modes_of(node, answering))
    assert [camera.path for camera in found] == [
        str(tmp_path / "dev/v4l/by-id" / WEBCAM.by_id),
        str(tmp_path / "dev/video1"),
    ]
    text = found[0].as_text()
    assert text.splitlines()[0] == "HD Webcam (USB 046d:0825, serial A1B2)"
    assert '  source = "v4l2"' in text
    assert f"  now at {tmp_path}/dev/video0" in text
    assert "  MJPG: 1280x720 at 30, 640x480" in text
    assert json.loads(json.dumps(found[1].as_dict()))["identity"]["usb"] == "18d1:4eed"


def test_nodes_that_may_not_be_opened_are_reported(tmp_path: Path) -> None:
    def refuse(node: Path) -> str | None:
        raise PermissionError(errno.EACCES, "Permission denied", str(node))

    plugged_in(tmp_path, 0, WEBCAM)
    assert refused_nodes(tmp_path / "dev", refuse) == [tmp_path / "dev/video0"]
    assert refused_nodes(tmp_path / "dev", lambda _: None) == []


def test_a_pi_s_own_cameras_are_listed_with_their_numbers() -> None:
    said = """Available cameras
-----------------
0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
1 : ov5647 [2592x1944 10-bit GBRG] (/base/soc/i2c0mux/i2c@0/ov5647@36)
"""
    found = parse_csi_list(said)
    assert [(camera.source, camera.path, camera.name.split()[0]) for camera in found] == [
        ("csi", "0", "imx708"),
        ("csi", "1", "ov5647"),
    ]
    assert found[0].identity == CameraIdentity("imx708", place="/base/soc/i2c0mux/i2c@1/imx708@1a")
    assert "  at /base/soc/i2c0mux/i2c@0/ov5647@36" in found[1].as_text()
    old = parse_csi_list("0 : imx219 [3280x2464] (/base/soc/i2c0mux/i2c@1/imx219@10)")
    assert [camera.identity for camera in old] == [CameraIdentity("imx219", place="/base/soc/i2c0mux/i2c@1/imx219@10")]
    assert parse_csi_list("No cameras available!") == []


# A Pi's own cameras


def subdevice(sys: Path, number: int, name: str, tree: str, *, port: bool) -> None:
    """A subdevice as sysfs shows it: a sensor, the motor of its lens, or the receiver that it is connected to."""
    node = sys / "firmware/devicetree/base" / tree
    device = sys / "devices" / f"device{number}"
    folder = sys / "class/video4linux" / f"v4l-subdev{number}"
    for made in (node / "port" if port else node, device, folder):
        made.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "device").symlink_to(device)
    (device / "of_node").symlink_to(node)


def pi_with(sys: Path, *sensors: tuple[str, str]) -> Path:
    """A Pi 5 with these sensors: the name, and at which connector's bus."""
    subdevice(sys, 0, "csi2", "axi/pcie@120000/rp1/csi@110000", port=True)
    subdevice(sys, 1, "pisp-fe", "axi/pcie@120000/rp1/csi@110000", port=True)
    for number, (name, bus) in enumerate(sensors):
        tree = f"axi/pcie@120000/rp1/{bus}"
        subdevice(sys, 2 + 2 * number, f"{name} 1{number}-001a", f"{tree}/{name}@1a", port=True)
        subdevice(sys, 3 + 2 * number, f"dw9807 1{number}-000c", f"{tree}/dw9807@c", port=False)
    return sys


def test_the_sensors_of_a_pi_are_known_by_name_and_connector_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    sys = pi_with(tmp_path, ("imx708_wide", "i2c@80000"), ("imx219", "i2c@88000"))
    first, second = (
        "/base/axi/pcie@120000/rp1/i2c@88000/imx219@1a",
        "/base/axi/pcie@120000/rp1/i2c@80000/imx708_wide@1a",
    )
    assert csi_sensors(sys) == [CameraIdentity("imx219", place=first), CameraIdentity("imx708_wide", place=second)]
    assert [csi_camera(path, sys) for path in ("/dev/video0", "0", "1", "2")] == [
        *[csi_sensors(sys)[0]] * 2,
        csi_sensors(sys)[1],
        None,
    ]
    assert csi_sensors(tmp_path / "another board") == []


@pytest.mark.parametrize(
    ("now", "refused"),
    [
        (("imx708", "i2c@88000"), False),
        (("imx219", "i2c@88000"), True),
        (("imx708_noir", "i2c@88000"), True),
        (("imx708", "i2c@80000"), True),
    ],
)
def test_a_pi_s_own_camera_is_noted_and_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: tuple[str, str], *, refused: bool
) -> None:
    install(tmp_path, monkeypatch)
    settings = CameraSettings(source="csi", width_px=160, height_px=120, fps=30, stall_s=1.0)
    open_csi(settings, CameraMemory(tmp_path, "hash"), pi_with(tmp_path / "before", ("imx708", "i2c@88000"))).close()
    assert json.loads((tmp_path / FILE).read_text())["card"] == "imx708"
    sys = pi_with(tmp_path / "now", now)
    if refused:
        with pytest.raises(CameraError, match=rf"another camera: {now[0]} .*declared one: imx708 \(/base/axi"):
            open_csi(settings, CameraMemory(tmp_path, "hash"), sys)
    else:
        open_csi(settings, CameraMemory(tmp_path, "hash"), sys).close()


def test_where_the_system_shows_no_sensor_the_log_says_that_another_camera_would_not_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(tmp_path, monkeypatch)
    settings = CameraSettings(source="csi", width_px=160, height_px=120, fps=30, stall_s=1.0)
    with caplog.at_level(logging.INFO):
        open_csi(settings, CameraMemory(tmp_path, "hash"), tmp_path / "none").close()
    assert "another camera in its place would not be noticed" in caplog.text
    assert not (tmp_path / FILE).exists()
