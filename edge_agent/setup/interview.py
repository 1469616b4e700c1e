"""The questions in a terminal. Each answer is checked at once, by the same rules as ``edge-agent check``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from edge_agent.addresses.arguments import UNQUOTED_FILE, is_quotable
from edge_agent.config import Settings
from edge_agent.config_file import settings_from_tables
from edge_agent.errors import AgentError, ConfigError
from edge_agent.files import read_password
from edge_agent.privacy.policy import SETTINGS, permit, understood
from edge_agent.required_files import check_required_files
from edge_agent.setup.answers import Tables, word
from edge_agent.setup.countries import country_name
from edge_agent.setup.found import Surroundings
from edge_agent.vision.camera_list import ListedCamera

_NETWORK: Final = {"rtsp": "rtsp://camera.local/stream", "http": "http://camera.local/video", "snapshot": ""}
_ANYBODY: Final = "a name"
_ANSWER: Final = Path("your answer")
"""In messages, where the path of a settings file stands else."""
_PLAIN, _ENCRYPTED = 1883, 8883


class Terminal(Protocol):
    """Where questions are asked."""

    def ask(self, question: str, default: str) -> str:
        """The answer; the default where nothing is written."""

    def say(self, text: str) -> None:
        """Show a line."""


class Interview:
    """Asks for everything that most devices need.

    Args:
        terminal: Where to ask.
        found: What is there, for defaults.
        known: Values of a settings file that is there already, for defaults.
        probe_broker: Connects to the broker; what it found, in a line.
        look: Looks through the camera; what it saw, in lines.
    """

    def __init__(
        self,
        terminal: Terminal,
        found: Surroundings,
        known: Tables,
        probe_broker: Callable[[Settings], str],
        look: Callable[[Settings], list[str]],
    ) -> None:
        self._terminal, self._found, self._known = terminal, found, known
        self._probe_broker, self._look = probe_broker, look
        self._tables: Tables = {}

    def hold(self) -> Tables:
        """Ask everything; the answers."""
        self._tables = {name: dict(values) for name, values in self._known.items()}
        self._device()
        self._camera()
        self._declaration()
        self._privacy()
        self._try_camera()
        self._broker()
        return self._tables

    def _device(self) -> None:
        self._head("This device")
        self._key("device", "site", "Name of the school or building, the same on all its devices", "school")
        self._key("device", "id", "Name of this device, different on each", self._found.device_id)
        self._key("device", "room", "Classroom, for people to read (may be empty)", "")
        zone = self._found.timezone
        self._say(f"Time zone: {zone}." if zone else "The system has no time zone. Set it with timedatectl.")

    def _camera(self) -> None:
        self._head("The camera")
        cameras = self._found.cameras
        for number, camera in enumerate(cameras, 1):
            self._say(f"  {number}  {camera.name}  ({camera.source} {camera.path})")
        if self._found.refused:
            nodes = ", ".join(map(str, self._found.refused))
            self._say(f"  Not looked at, since this user may not open them: {nodes}. Try again with sudo.")
        if not cameras:
            self._say("  No camera was found on this machine.")
        self._say("  n  a network camera")
        self._say("  s  a simulated classroom")
        self._say("  f  a picture or recording")
        while True:
            answer = self._terminal.ask("Which", self._usual_camera(cameras)).strip().casefold()
            if answer.isdecimal() and 1 <= int(answer) <= len(cameras):
                chosen = cameras[int(answer) - 1]
                self._replace_camera({"source": chosen.source, "path": chosen.path})
                return None
            if answer in ("n", "network"):
                return self._network_camera()
            if answer in ("s", "simulated"):
                return self._replace_camera({"source": "simulated"})
            if answer in ("f", "file"):
                return self._file()
            numbers = f"a number up to {len(cameras)}, " if cameras else ""
            self._say(f"Write {numbers}n, s or f.")

    def _usual_camera(self, cameras: tuple[ListedCamera, ...]) -> str:
        known = self._known.get("camera", {})
        for number, camera in enumerate(cameras, 1):
            if known.get("path") == camera.path:
                return str(number)
        by_source = {"simulated": "s", "image": "f", "video": "f", **dict.fromkeys(_NETWORK, "n")}
        return by_source.get(str(known.get("source")), "1" if cameras else "")

    def _replace_camera(self, changes: dict[str, Any]) -> None:
        place = ("source", "path", "url", "username", "password_file")
        kept = {key: value for key, value in self._tables.get("camera", {}).items() if key not in place}
        self._tables["camera"] = changes | kept

    def _network_camera(self) -> None:
        kinds = ", ".join(_NETWORK)
        known = self._known.get("camera", {})
        usual = known.get("source") if known.get("source") in _NETWORK else "rtsp"

        def kind_of(answer: str) -> str:
            if answer not in _NETWORK:
                raise ConfigError("camera.source", received="another word", expected=f"one of {kinds}")
            return answer

        source = self._until_right(f"Kind of stream ({kinds})", str(usual), kind_of)

        def address_of(answer: str) -> str:
            if "@" in answer.partition("://")[2].partition("/")[0]:
                raise ConfigError(
                    "camera.url",
                    received="an address with a user",
                    expected="one without",
                    remedy="Leave out what stands between :// and @. The next questions ask for it",
                )
            before = self._tables.get("camera", {})
            self._replace_camera({"source": source, "url": answer})
            try:
                self._check()
            except AgentError:
                self._tables["camera"] = before
                raise
            return answer

        self._until_right(
            "Address, without user name and password", str(known.get("url", _NETWORK[source])), address_of
        )
        self._login("camera", "at the camera")

    def _file(self) -> None:
        def path_of(answer: str) -> str:
            if not is_quotable(answer):
                raise ConfigError(
                    "camera.path",
                    received=UNQUOTED_FILE,
                    expected="a picture, a folder of pictures, or a recording",
                )
            path = Path(answer).expanduser().absolute()
            source = "image" if path.is_dir() or path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp") else "video"
            self._replace_camera({"source": source, "path": str(path)})
            check_required_files(self._check(), "")
            return answer

        known = self._known.get("camera", {})
        usual = str(known.get("path", "")) if known.get("source") in ("image", "video") else ""
        self._until_right("Picture, folder of pictures, or recording", usual, path_of)

    def _declaration(self) -> None:
        if not self._check().camera.live:
            return
        self._head("The declaration (docs/privacy.md explains it)")
        self._say("A live camera starts only after somebody has answered for it.")
        self._word("jurisdiction", "Country whose law holds", self._found.country)
        self._word("setting", f"Where the camera hangs\n({', '.join(SETTINGS)})", "education")
        self._word("legal_basis", "Legal basis, in a word or two\n(consent, public_task, medical, safety ...)", "")
        self._word("declared_by", "Who answers for it: name and office. It stays on this device", "")

    def _word(self, key: str, question: str, usual: str) -> None:
        def understand(answer: str) -> str:
            found = word(key, answer)
            if understood(key, found) is None:
                permit(
                    self._check().camera, self._policy({**_COMPLETE, key: answer})
                )  # raises, and says what is wanted
            whole = {**_COMPLETE, **self._tables.get("policy", {}), key: found}
            if key in ("legal_basis", "declared_by"):
                permit(self._check().camera, self._policy(whole))
            self._tables["policy"] = {**self._tables.get("policy", {}), key: found}
            return found

        # What was answered before must not make the answers to come look wrong.
        later = list(_COMPLETE)[list(_COMPLETE).index(key) :]
        known = self._known.get("policy", {}).get(key, usual)
        policy = {name: value for name, value in self._tables.get("policy", {}).items() if name not in later}
        self._tables["policy"] = policy
        found = self._until_right(question, str(known), understand)
        name = country_name(found) if key == "jurisdiction" else ""
        self._say(f"  {key} = {found}" + (f" ({name})" if name else ""))

    def _policy(self, values: dict[str, Any]) -> Any:
        return settings_from_tables({"camera": {"source": "simulated"}, "policy": values}, _ANSWER).policy

    def _privacy(self) -> None:
        self._head("Privacy")
        self._say("  summary  only figures of the group")
        self._say("  faces    also an event for each face, without a name")
        self._key("privacy", "level", "What leaves the device", "summary")

    def _try_camera(self) -> None:
        settings = self._check()
        while self._yes("Look through the camera for some seconds? No picture is shown or stored", usual=True):
            try:
                for line in self._look(settings):
                    self._say(f"  {line}")
            except AgentError as error:
                self._say(f"  {error}")
            if not self._yes("Choose another camera", usual=False):
                return
            self._camera()
            self._declaration()
            settings = self._check()

    def _broker(self) -> None:
        while True:
            self._head("The broker")
            self._say("A school with 'edge-agent fleet': leave this as it is, and run 'edge-agent enrol' afterwards.")
            self._key("mqtt", "host", "Name or address of the broker", "localhost" if self._found.local_broker else "")
            tls = self._tables.get("mqtt", {}).get("tls", {})
            encrypted = self._yes("Does it encrypt (TLS)", usual=bool(tls.get("enabled")))
            self._tables["mqtt"]["tls"] = {**tls, "enabled": encrypted}
            port = int(self._tables["mqtt"].get("port", _PLAIN))
            if port in (_PLAIN, _ENCRYPTED):
                port = _ENCRYPTED if encrypted else _PLAIN
            self._tables["mqtt"].pop("port", None)
            self._known = {**self._known, "mqtt": dict(self._tables["mqtt"])}
            self._key("mqtt", "port", "Port", port)
            if encrypted:
                self._authority(tls)
            self._login("mqtt", "at the broker")
            self._say("Connecting ...")
            try:
                self._say(f"  {self._probe_broker(self._check())}")
                return
            except AgentError as error:
                self._say(f"  {error}")
            self._known = {**self._known, "mqtt": dict(self._tables["mqtt"])}
            if not self._yes("Change these answers", usual=True):
                self._say("  They are kept. 'edge-agent doctor' tries them again.")
                return

    def _authority(self, tls: dict[str, Any]) -> None:
        def authority(answer: str) -> str:
            self._tables["mqtt"]["tls"] = {**self._tables["mqtt"]["tls"], "ca": answer}
            check_required_files(self._check(), "")
            return answer

        self._until_right(
            "File with the certificate of the broker's authority (empty: the system's)",
            str(tls.get("ca", "")),
            authority,
        )

    def _login(self, table: str, where: str) -> None:
        known = self._known.get(table, {})
        own = self._tables[table]
        own.pop("username", None)
        own.pop("password_file", None)

        def user(answer: str) -> str:
            self._tables[table]["username"] = answer
            self._check()
            return answer

        def password(answer: str) -> str:
            if not answer:
                return answer
            read_password(answer, f"{table}.password_file")
            self._tables[table]["password_file"] = answer
            self._check()
            return answer

        if self._until_right(f"User name {where} (empty: none)", str(known.get("username", "")), user):
            self._until_right(
                "File with the password alone in its first line", str(known.get("password_file", "")), password
            )
        else:
            own.pop("username", None)

    def _key(self, table: str, key: str, question: str, usual: str | int) -> None:
        """Ask for one value, and again until it is right."""

        def check(answer: str) -> str:
            value: str | int = int(answer) if isinstance(usual, int) and answer.isdecimal() else answer
            if not answer and key == "host":
                raise ConfigError("mqtt.host", received='""', expected="the broker's name or address")
            before = self._tables.get(table, {})
            self._tables[table] = {**before, key: value}
            try:
                self._check()
            except AgentError:
                self._tables[table] = before
                raise
            return answer

        self._until_right(question, str(self._known.get(table, {}).get(key, usual)), check)

    def _until_right(self, question: str, usual: str, check: Callable[[str], str]) -> str:
        while True:
            answer = self._terminal.ask(question, usual).strip()
            try:
                return check(answer)
            except AgentError as error:
                self._say(f"  {error}")

    def _yes(self, question: str, *, usual: bool) -> bool:
        while True:
            answer = self._terminal.ask(f"{question} (y/n)", "y" if usual else "n").strip().casefold()
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            self._say("Write y or n.")

    def _check(self) -> Settings:
        return settings_from_tables(self._tables, _ANSWER)

    def _head(self, text: str) -> None:
        self._say("")
        self._say(text)

    def _say(self, text: str) -> None:
        self._terminal.say(text)


_COMPLETE: Final = {"jurisdiction": "CH", "setting": "other", "legal_basis": "safety", "declared_by": _ANYBODY}
"""A declaration that is permitted, in which the answers given so far are put to be judged."""
