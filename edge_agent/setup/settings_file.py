"""From answers to a settings file that is valid, complete and commented."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from edge_agent.commands.settings_reference import commented_file
from edge_agent.config import Settings
from edge_agent.config_file import settings_from_tables
from edge_agent.errors import ConfigError
from edge_agent.files import SECRET, SHARED, write_file
from edge_agent.privacy.policy import check_answers, permit
from edge_agent.required_files import check_required_files
from edge_agent.setup.answers import Tables
from edge_agent.setup.found import Surroundings
from edge_agent.system.service_user import user_of


def complete(tables: Tables, found: Surroundings) -> Tables:
    """The answers with what was found by looking where they say nothing.

    Raises:
        ConfigError: The camera is not named, and not exactly one is there.
    """
    device = {"id": found.device_id, **tables.get("device", {})}
    camera = dict(tables.get("camera", {}))
    if "source" not in camera and "path" not in camera:
        camera = _only_camera(found) | camera
    privacy = {"level": "summary", **tables.get("privacy", {})}
    outbox = {"path": found.outbox, **tables.get("outbox", {})}
    return {**tables, "device": device, "camera": camera, "privacy": privacy, "outbox": outbox}


def _only_camera(found: Surroundings) -> dict[str, Any]:
    if len(found.cameras) == 1:
        return {"source": found.cameras[0].source, "path": found.cameras[0].path}
    raise ConfigError(
        "$.camera",
        received=f"no source, and {len(found.cameras) or 'no'} cameras on this machine",
        expected="exactly one, or the answer which",
        remedy="Name camera.source and camera.path. 'edge-agent cameras' lists what is there",
    )


def finished(tables: Tables, out: Path) -> tuple[Settings, str]:
    """The settings and the text of their file, checked as ``edge-agent check`` does it.

    Raises:
        AgentError: What ``check`` would say.
    """
    settings = settings_from_tables(tables, out)
    check_answers(settings.policy, str(out))
    permit(settings.camera, settings.policy, str(out))
    check_required_files(settings, str(out), user_of(out))
    return settings, commented_file(tables)


def write_settings(text: str, out: Path) -> None:
    """Write the file whole. It is its owner's alone: it names where secrets are, and who declared what.

    The installed service's file is root's, and its group may read it. A file that is there keeps its owner and group.

    Raises:
        InputError: It cannot be written.
    """
    mode, owner = SECRET, None
    user = user_of(out)
    if user is not None:
        mode, owner = SHARED, (0, _group(user.name))
    elif out.exists():
        found = out.stat()
        mode = stat.S_IMODE(found.st_mode) & SHARED
        owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
    write_file(out, text.encode(), mode, owner=owner)


def _group(account: str) -> int:
    import pwd  # here, because Windows has none

    return pwd.getpwnam(account).pw_gid
