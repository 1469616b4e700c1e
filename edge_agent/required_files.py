"""Are the files there that the settings name, and do they fit? `check`, `run` and `doctor` ask here and answer alike.

What can come and go while the agent runs is left out: devices, and the folder of the outbox. Nothing asks the network.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.addresses.masking import shown_path, shown_secret_path
from edge_agent.addresses.parsing import STREAM_PORTS
from edge_agent.config import Settings
from edge_agent.errors import AgentError, ConfigError, ModelError
from edge_agent.files import read_password
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.bundled import model_path
from edge_agent.model_format.priors import prior_weights
from edge_agent.mqtt.endpoint import tls_context
from edge_agent.system.service_user import SERVICE_CONFIG_FOLDER, User

_FILE: Final = "a file"
_FILE_OR_FOLDER: Final = "a file or folder"


@dataclass(frozen=True, slots=True)
class RequiredFile:
    """A file that the settings name.

    Attributes:
        key: The key that names it.
        path: Where it should be.
        expected: What it should be.
        kind: What may be there.
        error: What its absence is.
        secret: Whether it holds a secret, which may stand in the place of its path by mistake.
    """

    key: str
    path: str
    expected: str
    kind: str = _FILE
    error: type[AgentError] = ConfigError
    secret: bool = False


def required_files(settings: Settings) -> Iterator[RequiredFile]:
    """The files that an agent with these settings reads."""
    camera, mqtt = settings.camera, settings.mqtt
    if camera.source == "video":
        yield RequiredFile("camera.path", camera.path, "a recording")
    if camera.source == "image":
        yield RequiredFile("camera.path", camera.path, "an image or a folder of images", _FILE_OR_FOLDER)
    if camera.source in STREAM_PORTS and camera.password_file:
        yield RequiredFile("camera.password_file", camera.password_file, "the camera's password", secret=True)
    if settings.detector.weights and settings.detector.kind != "haar":
        weights = os.path.expanduser(settings.detector.weights)  # noqa: PTH111 - stays as it is for no known user
        yield RequiredFile("detector.weights", weights, "YuNet's weights", error=ModelError)
    if settings.classifier.model:
        yield RequiredFile(
            "classifier.model", str(model_path(settings.classifier.model)), "a model bundle", error=ModelError
        )
    if mqtt.password_file:
        yield RequiredFile("mqtt.password_file", mqtt.password_file, "the broker's password", secret=True)
    if mqtt.tls.enabled:
        named = {"ca": "the authority's certificate", "cert": "this device's certificate", "key": "its key"}
        for key, expected in named.items():
            if path := getattr(mqtt.tls, key):
                yield RequiredFile(f"mqtt.tls.{key}", path, expected, secret=key == "key")
    if settings.update.key:
        yield RequiredFile("update.key", settings.update.key, "the school's public key for models")


def check_required_files(settings: Settings, where: str = "", user: User | None = None) -> list[str]:
    """Check each file that the settings name: there, readable, and where that is quick, of the right content.

    Args:
        settings: They name the files.
        where: Begins each message: the settings' file.
        user: Who has to read them; ``None`` for who asks.

    Returns:
        The keys whose files were found.

    Raises:
        ConfigError: A file is missing or cannot be read, or is no password or certificate.
        ModelError: The same of a model or a detector's weights.
    """
    prefix = f"{where}: " if where else ""
    found = []
    for required in required_files(settings):
        _check(required, prefix, user)
        found.append(required.key)
    if settings.mqtt.password_file:
        read_password(settings.mqtt.password_file, f"{prefix}$.mqtt.password_file")
    if "camera.password_file" in found:
        read_password(settings.camera.password_file, f"{prefix}$.camera.password_file")
    if settings.mqtt.tls.enabled:
        tls_context(settings.mqtt.tls)
    return found


def check_prior(settings: Settings, where: str = "") -> bool:
    """Compare shares for a prior with the labels of the model, without running it.

    Args:
        settings: They have the prior, and name the model or leave it to the one that came with the agent.
        where: Begins each message: the settings' file.

    Returns:
        Whether the labels are the same. They may differ only where a school publishes models for this device.

    Raises:
        ConfigError: They differ.
        ModelError: The model cannot be read.
    """
    chosen = settings.classifier
    if isinstance(chosen.prior, str):
        return True
    labels = read_bundle(model_path(chosen.model)).metadata.labels
    try:
        prior_weights(None, labels, chosen.prior)
    except ConfigError as error:
        if settings.follows_fleet:
            return False
        subject = f"{where}: {error.subject}" if where else error.subject
        raise ConfigError(subject, received=error.received, expected=error.expected, remedy=error.remedy) from None
    return True


def _check(required: RequiredFile, prefix: str, user: User | None) -> None:
    shown = shown_secret_path(required.path) if required.secret else shown_path(required.path)
    if not required.path:
        raise required.error(f"{prefix}$.{required.key}", received='""', expected=required.expected)
    subject, path = f"{prefix}$.{required.key} {shown}", Path(required.path)
    try:
        found = path.stat()
    except PermissionError:
        raise _unreadable(required, subject, None, user) from None
    except (OSError, ValueError):  # ValueError: a null byte
        raise required.error(
            f"{subject}: no such file",
            expected=required.expected,
            remedy="The key names a file that holds the password alone in its first line"
            if required.key.endswith("password_file")
            else f"Put it there, or correct {required.key}",
        ) from None
    is_folder = stat.S_ISDIR(found.st_mode)
    if not stat.S_ISREG(found.st_mode) and not (is_folder and required.kind == _FILE_OR_FOLDER):
        received = "a folder" if is_folder else "something that is no file"
        raise required.error(subject, received=received, expected=required.expected, remedy=f"Correct {required.key}")
    if not os.access(path, os.R_OK | (os.X_OK if is_folder else 0)):
        raise _unreadable(required, subject, path, user)
    if user is not None and (barred := user.first_unreadable(path)) is not None:
        raise _unreadable(required, subject, barred, user)
    if is_folder:
        _check_pictures(required, subject, path)
    elif not found.st_size and not required.secret:  # a secret is judged by its reader
        raise required.error(
            subject,
            received="an empty file",
            expected=required.expected,
            remedy=f"Copy it again, or correct {required.key}",
        )


def _check_pictures(required: RequiredFile, subject: str, folder: Path) -> None:
    """Refuse a folder without a file that is a picture by its name: the agent would end at once."""
    from edge_agent.vision.sources.files import is_photo  # here, because it loads OpenCV

    if not any(map(is_photo, folder.iterdir())):
        raise required.error(
            subject,
            received="a folder without images",
            expected="files like .jpg or .png directly in it",
            remedy=f"Correct {required.key}",
        )


def _unreadable(required: RequiredFile, subject: str, barred: Path | None, user: User | None) -> AgentError:
    """The error for a file that may not be read; ``barred`` is the file or folder that keeps the user out."""
    name = user.name if user is not None else "the user who runs this"
    if barred is None:
        return required.error(
            f"{subject}: {name} may not look there", expected=required.expected, remedy="Check the rights of its folder"
        )
    if barred.absolute() != Path(required.path).absolute():
        remedy = f"Move it to a folder that {name} may enter, such as {SERVICE_CONFIG_FOLDER}"
        subject = f"{subject}: it is there, but {name} may not enter {barred}"
        return required.error(subject, expected=required.expected, remedy=remedy)
    remedy = f"sudo chgrp {user.name} {barred} && sudo chmod g+rX {barred}" if user is not None else "Change its rights"
    return required.error(
        f"{subject}: it is there, but {name} may not read it", expected=required.expected, remedy=remedy
    )
