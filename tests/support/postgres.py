"""A PostgreSQL of the test's own, from Debian's binaries. Without them, tests that need it are skipped."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.broker import free_port

PASSWORD = "p@ss/word:geheim"
_USER = "classroom"


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes:
        port: Where it listens on loopback.
        folder: Its data.
        run: What commands begin with, so that they do not run as root.
    """

    port: int
    folder: Path
    run: tuple[str, ...]

    def address(self, database: str, password: str = PASSWORD) -> str:
        """The address of a database, with the password in it."""
        return f"postgresql://{_USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> None:
        """Make an empty database."""
        command = [_binary("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, database]
        subprocess.run(command, check=True, env=os.environ | {"PGPASSWORD": PASSWORD})

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        listen = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories="
        options = f"{listen} -c fsync=off -c full_page_writes=off"
        log = str(self.folder / "log")
        _execute(self.run, _binary("pg_ctl"), "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        _execute(self.run, _binary("pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server with a password, until the block ends."""
    if not shutil.which(_binary("initdb")):
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    run: tuple[str, ...] = ()
    folder = Path(tempfile.mkdtemp(prefix="classroom-postgres-"))
    try:
        if os.geteuid() == 0:  # it refuses to run as root
            user = "postgres" if _exists("postgres") else "nobody"
            run = ("runuser", "-u", user, "--")
            shutil.chown(folder, user)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        _execute(
            run,
            _binary("initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            _USER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "--no-sync",
            "--encoding=UTF8",
            "--no-locale",
        )
        server = PostgresServer(free_port(), folder, run)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binary(name: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return str(versions[-1] / name) if versions else name


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _execute(run: tuple[str, ...], *command: str) -> None:
    done = subprocess.run([*run, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", check=False)
    assert done.returncode == 0, done.stdout.decode()
