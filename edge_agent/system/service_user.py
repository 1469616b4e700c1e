"""The user that the installed service runs as. Who checks the settings with sudo may read what the service may not."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import InputError

SERVICE_CONFIG_FOLDER: Final = Path("/etc/edge-agent")
"""Where the settings of the installed service are."""

_ACCOUNT: Final = "edge-agent"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose rights are in question.

    Attributes:
        name: Account name.
        uid: User id.
        gids: All groups.
    """

    name: str
    uid: int
    gids: frozenset[int]

    def first_unreadable(self, path: Path) -> Path | None:
        """The folder or file on the way to ``path`` that this user may not use; ``None`` where it may read ``path``.

        By owner, group and mode: access control lists are not looked at.

        Raises:
            OSError: Whoever asks may not look there.
        """
        whole = path.absolute()
        for folder in reversed(whole.parents):
            if not self._may(folder.stat(), stat.S_IXOTH):
                return folder
        found = whole.stat()
        needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(found.st_mode) else 0)
        return None if self._may(found, needed) else whole

    def _may(self, found: os.stat_result, needed: int) -> bool:
        if self.uid == 0:
            return True
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid in self.gids else 0
        return found.st_mode & needed << shift == needed << shift


def user_of(config: Path | None) -> User | None:
    """Who the service with this settings file runs as, where it is not who asks.

    ``None`` where nothing but the asker's own rights can be said: the file is not the service's, there is no such
    account, or the asker is not root.
    """
    if config is None or os.geteuid() != 0 or config.absolute().parent != SERVICE_CONFIG_FOLDER:
        return None
    import pwd  # here, because Windows has none

    try:
        account = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        return None
    return User(_ACCOUNT, account.pw_uid, frozenset(os.getgrouplist(_ACCOUNT, account.pw_gid)))


def require_readable_program(user: User, program: Path) -> None:
    """Refuse to look with the rights of a user who cannot read the program that looks.

    Args:
        user: Whose rights are to be taken.
        program: The folder with the program's packages.

    Raises:
        InputError: The user may not read it: each package would seem to be missing.
    """
    blocked = user.first_unreadable(program)
    if blocked is not None:
        raise InputError(
            f"this program lies in {program}",
            received=f"{blocked}, which the service's user {user.name} may not read",
            expected="the program that the service runs",
            remedy="Call the installed one by its whole name, usually /usr/local/bin/edge-agent, "
            "or give --config a copy of the settings",
        )


def become_service_user(config: Path | None) -> None:
    """Give up root's rights for those of the service's user, for good, where :func:`user_of` names one."""
    user = user_of(config)
    if user is None:
        return
    import pwd

    account = pwd.getpwnam(user.name)
    os.initgroups(user.name, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = account.pw_dir
    os.environ.pop("XDG_DATA_HOME", None)
    with contextlib.suppress(OSError):
        os.chdir(account.pw_dir)
