"""Faults of the disk under the outbox."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from qa.faults.rig import Rig, is_root

_DISK_BYTES = 1_000_000


def with_a_small_disk(rig: Rig) -> None:
    """Start a device whose outbox is on a file system of one megabyte, if that can be mounted."""
    if is_root():
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(rig.state)],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            rig.at_end(lambda: subprocess.run(["umount", "-l", str(rig.state)], check=True))
            rig.small_disk = True
    rig.start()


def full(rig: Rig) -> None:
    """The disk fills up and is freed again; without a small disk the device may no longer write to any file."""
    rig.wait_for_events(20)
    away = rig.rng.random() < 0.5
    if away:
        rig.line.shut()
    filler = rig.state / "filler"
    if rig.small_disk:
        with contextlib.suppress(OSError):
            filler.write_bytes(b"\0" * 2 * _DISK_BYTES)
    else:
        rig.limit_files(1)
    rig.wait_for_log("events wait in memory")
    rig.wait_for_events(rig.rng.randint(20, 300))
    if rig.small_disk:
        filler.unlink()
    else:
        rig.limit_files(-1)
    if away and rig.rng.random() < 0.5:
        rig.line.reopen()
    rig.wait_for_log("works again")
    rig.line.reopen()


def damaged_at_rest(rig: Rig) -> None:
    """The file is damaged while the agent is off, at a moment when everything in it has been delivered."""
    rig.wait_for_events(rig.rng.randint(20, 100))
    rig.fall_quiet()
    rig.wait_until_delivered()
    rig.kill()
    _damage(rig)
    rig.start()
    rig.wait_for_events(50)


def damaged_under_a_backlog(rig: Rig) -> None:
    """The beginning of the file is damaged while the agent is off and hundreds of undelivered events are in it."""
    rig.line.shut()
    rig.wait_for_events(rig.rng.randint(50, 300))
    rig.kill()
    with (rig.state / "outbox.db").open("r+b") as file:
        file.write(rig.rng.randbytes(rig.rng.choice((16, 100, 1000))))
    rig.line.reopen()
    rig.start()


def damaged_in_use(rig: Rig) -> None:
    """The file is damaged under the running agent, whose queue is in memory as well."""
    away = rig.rng.random() < 0.5
    if away:
        rig.line.shut()
    rig.wait_for_events(rig.rng.randint(20, 200))
    _damage(rig)
    rig.wait_for_events(50)
    rig.line.reopen()


def bits_flipped_at_rest(rig: Rig) -> None:
    """Up to three bits change in the file or its log while the agent is off, mostly with a backlog in it."""
    if rig.rng.random() < 0.8:
        rig.line.shut()
    rig.wait_for_events(rig.rng.randint(50, 300))
    rig.kill()
    _flip_bits(rig)
    rig.line.reopen()
    rig.start()


def bits_flipped_in_use(rig: Rig) -> None:
    """Up to three bits change in the file or its log under the running agent, mostly with a backlog in it."""
    if rig.rng.random() < 0.8:
        rig.line.shut()
    rig.wait_for_events(rig.rng.randint(50, 1500))
    _flip_bits(rig)
    rig.wait_for_events(50)
    if rig.rng.random() < 0.5:
        rig.kill()
        rig.start()
    rig.line.reopen()


def cut_off(rig: Rig) -> None:
    """The file or its log is cut off anywhere while the agent is off, with a backlog in it."""
    rig.line.shut()
    rig.wait_for_events(rig.rng.randint(50, 300))
    rig.kill()
    file = rig.rng.choice(_files(rig))
    with file.open("r+b") as handle:
        handle.truncate(rig.rng.randrange(file.stat().st_size))
    rig.line.reopen()
    rig.start()


def _flip_bits(rig: Rig) -> None:
    for _ in range(rig.rng.randint(1, 3)):
        file = rig.rng.choice(_files(rig))
        bit = rig.rng.randrange(8 * file.stat().st_size)
        with file.open("r+b") as handle:
            handle.seek(bit // 8)
            (byte,) = handle.read(1)
            handle.seek(bit // 8)
            handle.write(bytes([byte ^ 1 << bit % 8]))


def _files(rig: Rig) -> list[Path]:
    """The file and its log."""
    found = (path for path in rig.state.glob("outbox.db*") if path.name in ("outbox.db", "outbox.db-wal"))
    return sorted(path for path in found if path.stat().st_size)


def _damage(rig: Rig) -> None:
    """Overwrite a random part of the file, or cut it off."""
    files = [path for path in rig.state.glob("outbox.db*") if path.suffix != ".db-shm" and path.stat().st_size]
    file = rig.rng.choice(sorted(files))
    size = file.stat().st_size
    start = rig.rng.randrange(size) if rig.rng.random() < 0.5 else 0
    with file.open("r+b") as handle:
        if rig.rng.random() < 0.3:
            handle.truncate(start)
            return
        handle.seek(start)
        handle.write(rig.rng.randbytes(min(size - start, rig.rng.choice((16, 4096, 100_000)))))
