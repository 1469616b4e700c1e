"""What ``edge-agent cameras`` prints: the cameras that are there, how to name them, and what they deliver."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_agent.vision.sources.csi import PROGRAMS
from edge_agent.vision.v4l2_devices import (
    DEV,
    SYS,
    CameraIdentity,
    CameraMode,
    card_name,
    identity_of,
    list_cameras,
    modes_of,
)

_CSI_TIMEOUT_S = 8.0
_CSI_CAMERA = re.compile(r"^\s*(\d+) : (\S+) \[(\d+)x(\d+)(?:[^\]]*\] \((\S+)\))?")


@dataclass(frozen=True, slots=True)
class ListedCamera:
    """A camera that is there.

    Attributes:
        source: What ``camera.source`` has to say.
        path: What ``camera.path`` should say, as lasting as the system offers.
        node: The device node; empty for a Pi's own camera.
        name: Its name, for people.
        identity: What tells it from others; ``None`` where the system does not say.
        modes: What it delivers, as far as it says.
    """

    source: str
    path: str
    node: str
    name: str
    identity: CameraIdentity | None
    modes: tuple[CameraMode, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """For people: how to name it in the settings, and its modes, one line a format."""
        lines = [self.name, f'  source = "{self.source}"', f'  path = "{self.path}"']
        if self.node and self.node != self.path:
            lines.append(f"  now at {self.node}")
        if self.identity is not None and self.identity.place:
            lines.append(f"  at {self.identity.place}")
        for pixel_format in dict.fromkeys(mode.pixel_format for mode in self.modes):
            sizes = [
                f"{mode.width_px}x{mode.height_px}" + (f" at {mode.max_fps:g}" if mode.max_fps else "")
                for mode in self.modes
                if mode.pixel_format == pixel_format
            ]
            lines.append(f"  {pixel_format or 'modes'}: {', '.join(sizes)}")
        return "\n".join(lines)


def present_cameras(
    dev: Path = DEV,
    sys: Path = SYS,
    camera_at: Callable[[Path], str | None] = card_name,
    modes_at: Callable[[Path], list[CameraMode]] = modes_of,
) -> list[ListedCamera]:
    """The cameras that are there and that this user may open.

    Args:
        dev: Where device nodes are.
        sys: Root of sysfs.
        camera_at: The name of the camera behind a node, ``None`` where it is none; raises ``OSError``.
        modes_at: The modes of the camera behind a node.
    """
    found = []
    for node, card in list_cameras(dev, camera_at):
        identity = identity_of(node, card, dev, sys)
        path = dev / "v4l" / "by-id" / identity.by_id if identity.by_id else node
        found.append(ListedCamera("v4l2", str(path), str(node), str(identity), identity, tuple(modes_at(node))))
    return found + _csi_cameras()


def refused_nodes(dev: Path = DEV, camera_at: Callable[[Path], str | None] = card_name) -> list[Path]:
    """Device nodes that are there and that this user may not open."""
    return [node for node in sorted(dev.glob("video[0-9]*")) if _is_refused(node, camera_at)]


def _is_refused(node: Path, camera_at: Callable[[Path], str | None]) -> bool:
    try:
        camera_at(node)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def parse_csi_list(text: str) -> list[ListedCamera]:
    """The cameras in what ``rpicam-hello --list-cameras`` prints."""
    found = []
    for line in text.splitlines():
        match = _CSI_CAMERA.match(line)
        if match:
            number, name, width, height, place = match.groups("")
            mode = CameraMode("", int(width), int(height), 0.0)
            identity = CameraIdentity(name, place=place)
            found.append(ListedCamera("csi", number, "", f"{name} (a Pi's own camera)", identity, (mode,)))
    return found


def _csi_cameras() -> list[ListedCamera]:
    for program in PROGRAMS:
        hello = shutil.which(program.replace("-vid", "-hello"))
        if hello is None:
            continue
        try:
            said = subprocess.run(
                [hello, "--list-cameras"], capture_output=True, text=True, timeout=_CSI_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        return parse_csi_list(said.stdout + said.stderr)
    return []
