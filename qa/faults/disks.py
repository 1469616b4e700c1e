"""Faults of the disk under the outbox."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from pathlib import Path

from qa.faults.rig import Rig, is_root

_DISK_BYTES = 1_000_000
_CARD_BYTES = 8_000_000


def with_a_small_disk(rig: Rig) -> None:
    """Start a device whose outbox is on a file system of one megabyte, if that can be mounted."""
    rig.small_disk = _mounted(rig, "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs")
    rig.start()


def with_an_own_disk(rig: Rig) -> None:
    """Start a device whose outbox is on a file system of its own, if that can be mounted."""
    rig.small_disk = _mounted(rig, "-t", "tmpfs", "-o", "size=50m,nr_inodes=64", "tmpfs")
    rig.start()


def with_a_card(rig: Rig) -> None:
    """Start a device whose outbox is on an ext4 file system, as on an SD card, if that can be mounted."""
    card = rig.folder / "card"
    with card.open("wb") as file:
        file.truncate(_CARD_BYTES)
    if is_root() and _done("mkfs.ext4", "-q", str(card)):
        rig.small_disk = _mounted(rig, "-o", "loop,errors=remount-ro", str(card))
    rig.start()


def _mounted(rig: Rig, *what: str) -> bool:
    """Mount something at the device's folder; whether that was possible."""
    if not is_root() or not _done("mount", *what, str(rig.state)):
        return False
    rig.at_end(lambda: _done("umount", "-l", str(rig.state)))
    return True


def _done(*command: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def _gather_events(rig: Rig) -> None:
    """Let some events be accepted; in half of the rounds the broker is away, so that they wait."""
    if rig.rng.random() < 0.5:
        rig.line.shut()
    rig.wait_for_events(rig.rng.randint(20, 200))


def read_only_from_the_start(rig: Rig) -> None:
    """After a power cut the file system comes up read-only, with a backlog in it, and is writable again later."""
    if not _can_forbid_writing(rig):
        full(rig)
        return
    _gather_events(rig)
    rig.kill()
    if rig.small_disk:
        assert _done("mount", "-o", "remount,ro", str(rig.state))
    else:
        _forbid_writing(rig)
    rig.start()
    rig.wait_for_log("events wait in memory")
    rig.wait_for_events(rig.rng.randint(20, 300))
    if rig.small_disk:
        assert _done("mount", "-o", "remount,rw", str(rig.state))
    else:
        _allow_writing(rig)
    rig.wait_for_log("works again")
    rig.line.reopen()


def read_only_in_use(rig: Rig) -> None:
    """The file system finds an error and makes itself read-only, and another card takes its place later."""
    if not rig.small_disk or not (trigger := _error_trigger(rig)):
        read_only_from_the_start(rig)
        return
    _gather_events(rig)
    trigger.write_text("1")
    rig.wait_for_log("events wait in memory")
    rig.wait_for_events(rig.rng.randint(20, 300))
    assert _mounted(rig, "-t", "tmpfs", "tmpfs")
    rig.wait_for_log("works again")
    rig.line.reopen()


def _error_trigger(rig: Rig) -> Path | None:
    """The file that makes the kernel find an error in the file system."""
    done = subprocess.run(
        ["findmnt", "-n", "-o", "SOURCE", str(rig.state)], capture_output=True, check=False, text=True
    )
    trigger = Path("/sys/fs/ext4") / Path(done.stdout.strip() or "none").name / "trigger_fs_error"
    return trigger if trigger.exists() else None


def _can_forbid_writing(rig: Rig) -> bool:
    """Whether a mount or file modes can keep the device from writing: modes mean nothing to root."""
    return rig.small_disk or not is_root()


def _forbid_writing(rig: Rig) -> None:
    for file in rig.state.iterdir():
        file.chmod(0o400)
    rig.state.chmod(0o500)


def _allow_writing(rig: Rig) -> None:
    rig.state.chmod(0o755)
    for file in rig.state.iterdir():
        file.chmod(0o644)


def no_inodes(rig: Rig) -> None:
    """The file system takes no more files, so that the outbox cannot make its log, until some are deleted."""
    if not _can_forbid_writing(rig):
        full(rig)
        return
    _gather_events(rig)
    rig.terminate()
    fillers = _fill_inodes(rig.state) if rig.small_disk else []
    if not rig.small_disk:
        _forbid_writing(rig)
    rig.start()
    rig.wait_for_log("events wait in memory")
    rig.wait_for_events(rig.rng.randint(20, 300))
    for filler in fillers:
        filler.unlink()
    if not rig.small_disk:
        _allow_writing(rig)
    rig.wait_for_log("works again")
    rig.line.reopen()


def _fill_inodes(folder: Path) -> list[Path]:
    fillers: list[Path] = []
    while True:
        filler = folder / f"filler-{len(fillers)}"
        try:
            filler.touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return fillers
        fillers.append(filler)


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
    _gather_events(rig)
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
