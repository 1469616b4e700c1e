"""One file for a report of a fault: versions, settings, checks, hardware and the last lines of the logs.

It is read by others. So it holds no picture, no secret and no name: of the settings, only switches, numbers, words
from fixed lists and names of kinds are written. Free text is left out, wherever it comes from: each such value of the
settings is replaced in all other parts, too.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import msgspec

from edge_agent import __version__
from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.clock import clock_synced, utc_text
from edge_agent.commands.doctor import examine
from edge_agent.config import Settings
from edge_agent.errors import AgentError
from edge_agent.files import SECRET, read_password, write_file
from edge_agent.privacy.audit import FILE as AUDIT_FILE
from edge_agent.rights import this_user
from edge_agent.system.data_folders import state_folder
from edge_agent.system.hardware_status import read_hardware_status
from edge_agent.system.service_user import user_of

_LOG_LINES: Final = 300
_AUDIT_LINES: Final = 100
_LINE_CHARS: Final = 500
_JOURNAL_WITHIN_S: Final = 5.0
_DOCTOR_WITHIN_S: Final = 30.0
_PACKAGES: Final = (
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "ai-edge-litert",
    "tflite-runtime",
    "paho-mqtt",
    "msgspec",
    "cryptography",
    "typer",
    "rich",
)
_LEFT_OUT: Final = "(left out)"
_SHOWN: Final = frozenset(
    (
        "camera.source",
        "camera.path",
        "detector.kind",
        "detector.weights",
        "classifier.model",
        "classifier.runtime",
        "privacy.level",
        "policy.jurisdiction",
        "policy.setting",
        "mqtt.protocol",
        "mqtt.tls.ca",
        "mqtt.tls.cert",
        "outbox.path",
        "led.name",
        "metrics.address",
        "update.key",
    )
)
"""Keys with text that is shown: words from fixed lists, and places of files."""
_FREE_TEXT: Final = (
    "device.site",
    "device.id",
    "device.room",
    "camera.url",
    "camera.username",
    "camera.password_file",
    "policy.legal_basis",
    "policy.declared_by",
    "mqtt.host",
    "mqtt.username",
    "mqtt.password_file",
    "mqtt.root",
    "home_assistant.dashboard_url",
)
"""Keys whose values may name a person, a school or an account, or be a secret."""
_SHORTEST_REPLACED: Final = 2


def write_diagnostics(settings: Settings, target: Path, config: Path | None = None) -> None:
    """Write the report as text.

    Args:
        settings: What the agent runs with.
        target: The file, readable for its owner alone.
        config: The file with the settings. Where it is the service's, root has the checks made with the rights of the
            service's user.

    Raises:
        InputError: It cannot be written.
    """
    write_file(target, report(settings, config).encode(), SECRET)


def report(settings: Settings, config: Path | None = None) -> str:
    """The report. What cannot be found out is said in its place."""
    hidden = _Hidden(settings)
    parts = [
        ("versions", _versions()),
        ("settings", json.dumps(shown_settings(settings, hidden), indent=2).splitlines()),
        ("hardware", _hardware()),
        ("doctor", _checks(settings, config)),
        ("log", _journal()),
        ("audit log", _audit(settings)),
    ]
    lines = [f"edge-agent {__version__}, diagnostics of {utc_text(time.time())}"]
    for title, content in parts:
        lines += ["", f"== {title} =="]
        lines += [line if title == "settings" else hidden.without(line[:_LINE_CHARS]) for line in content]
    return "\n".join(lines) + "\n"


def shown_settings(settings: Settings, hidden: _Hidden | None = None) -> dict[str, Any]:
    """The settings without free text: whether such a key is set is all that is said of it."""
    hide = hidden or _Hidden(settings)
    defaults = msgspec.to_builtins(Settings())

    def shown(value: Any, default: Any, key: str) -> Any:
        if isinstance(value, dict):
            among = default if isinstance(default, dict) else {}
            return {name: shown(inner, among.get(name), f"{key}.{name}".lstrip(".")) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [shown(inner, None, key) for inner in value]
        if not isinstance(value, str) or value == default:
            return value
        return hide.without(value) if key in _SHOWN else _LEFT_OUT

    shown_all: dict[str, Any] = shown(msgspec.to_builtins(settings), defaults, "")
    return shown_all


class _Hidden:
    """Leaves out of any text what the settings have as free text, and addresses' secrets."""

    def __init__(self, settings: Settings) -> None:
        words = {*_free_texts(settings), *_names_of_machine()}
        parts = {part for word in words for part in re.split(r"[\s,;/@:]+", word)}
        words |= {part for part in parts if len(part) > 3}
        words = {word for word in words if word.casefold() not in _COMMON}
        ordered = sorted((word for word in words if len(word) >= _SHORTEST_REPLACED), key=len, reverse=True)
        self._pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in ordered) or r"(?!)", re.I)

    def without(self, line: str) -> str:
        """The line, printable and without them."""
        plain = "".join(char if char.isprintable() else "?" for char in line)
        return re.sub(r"/home/[^/\s]+", "/home/...", self._pattern.sub("...", scrubbed(plain)))


_COMMON: Final = frozenset(
    (
        *("edge-agent", "password", "mqtt", "rtsp", "http", "https", "stream", "localhost", "local"),
        *("home", "root", "school", "classroom"),
    )
)
"""Words that name nobody and stand in the agent's own sentences: its account and folders, too, are ``edge-agent``."""


def _free_texts(settings: Settings) -> Iterator[str]:
    defaults = msgspec.to_builtins(Settings())
    tables = msgspec.to_builtins(settings)
    for key in _FREE_TEXT:
        table, name = key.split(".")
        value = tables[table][name]
        if value and value != defaults[table][name]:
            yield value
    for zone in (*settings.detector.ignore, *settings.detector.watch):
        yield zone.name
    for file in (settings.camera.password_file, settings.mqtt.password_file):
        with contextlib.suppress(AgentError):
            yield read_password(file, "")


def _names_of_machine() -> Iterator[str]:
    """Names of host and user, which may be a person's."""
    for name, common in ((platform.node(), ("localhost", "raspberrypi")), (this_user(), ("root", "edge-agent"))):
        if len(name) > 2 and name not in common:
            yield name


def _versions() -> Iterator[str]:
    yield f"edge-agent {__version__}"
    yield f"Python {platform.python_version()}, {sys.implementation.name}"
    installed = {one.metadata["Name"]: one.version for one in metadata.distributions()}
    yield from [f"{package} {installed[package]}" for package in _PACKAGES if package in installed]
    yield f"{platform.system()} {platform.release()} {platform.machine()}"
    try:
        yield platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        yield "no name of the system"


def _hardware() -> Iterator[str]:
    model = _text(Path("/proc/device-tree/model")) or "no name of the board"
    yield model.strip("\0")
    memory = _text(Path("/proc/meminfo"))
    yield from [line for line in memory.splitlines() if line.startswith(("MemTotal", "MemAvailable", "SwapTotal"))]
    yield f"load {_text(Path('/proc/loadavg')).strip()}"
    yield f"status {asdict(read_hardware_status())}"
    yield f"clock {'synchronised' if clock_synced() else 'not synchronised'}"
    for place in ("/", "/var/lib", "/tmp"):
        try:
            usage = shutil.disk_usage(place)
        except OSError:
            continue
        yield f"disk {place}: {usage.free // 2**20} of {usage.total // 2**20} MB free"
    yield f"video devices: {', '.join(sorted(path.name for path in Path('/dev').glob('video*'))) or 'none'}"


def _checks(settings: Settings, config: Path | None) -> Iterable[str]:
    if config is not None and user_of(config) is not None:
        return _checks_as_service_user(config)
    return _checks_here(settings)


def _checks_as_service_user(config: Path) -> list[str]:
    """What ``edge-agent doctor`` finds: as root it gives its rights up, which this process still needs."""
    command = [sys.executable, "-m", "edge_agent.cli", "doctor", "--config", str(config.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DOCTOR_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"the checks ended early: {type(error).__name__}"]
    return [
        "as the service's user:",
        *done.stdout.decode(errors="replace").splitlines(),
        *done.stderr.decode(errors="replace").splitlines(),
    ]


def _checks_here(settings: Settings) -> Iterator[str]:
    try:
        for finding in examine(settings, preflight=False):
            mark = "ok" if finding.ok else "FAIL" if finding.fatal else "warn"
            yield f"{mark}  {finding.check}  {finding.detail}"
    except (AgentError, OSError) as error:
        yield f"the checks ended early: {error}"


def _journal() -> Iterable[str]:
    command = [
        "journalctl",
        "--unit=edge-agent",
        f"--lines={_LOG_LINES}",
        "--no-pager",
        "--output=short-iso",
        "--quiet",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_JOURNAL_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ["the journal cannot be read here"]
    lines = done.stdout.decode(errors="replace").splitlines()
    # Its second word is the host's name, which may be a person's.
    return [re.sub(r"^(\S+) \S+ ", r"\1 ", line) for line in lines] or ["nothing: read it as root, with sudo"]


def _audit(settings: Settings) -> Iterable[str]:
    folder = state_folder(settings)
    if folder is None:
        return ["none is kept with these settings"]
    try:
        with (folder / AUDIT_FILE).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 64 * 1024))
            return file.read().decode(errors="replace").splitlines()[-_AUDIT_LINES:]
    except OSError as error:
        return [f"cannot be read: {error.strerror}"]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
