"""Faults of the disk under the outbox."""

from __future__ import annotations

import contextlib
import subprocess

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
