"""What happens to the disk under the outbox."""

from __future__ import annotations

import contextlib
import subprocess

from qa.faults.stage import Stage, is_root

_DISK_BYTES = 1_000_000


def with_a_small_disk(stage: Stage) -> None:
    """Start a device whose outbox lies on a file system of one megabyte where that can be mounted."""
    if is_root():
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(stage.state)],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            stage.at_end(lambda: subprocess.run(["umount", "-l", str(stage.state)], check=True))
            stage.small_disk = True
    stage.start()


def full(stage: Stage) -> None:
    """The disk fills up and is freed again; without a small disk the device may no longer write to any file."""
    stage.wait_for_events(20)
    away = stage.draw.random() < 0.5
    if away:
        stage.line.shut()
    filler = stage.state / "filler"
    if stage.small_disk:
        with contextlib.suppress(OSError):
            filler.write_bytes(b"\0" * 2 * _DISK_BYTES)
    else:
        stage.limit_files(1)
    stage.wait_for_log("events wait in memory")
    stage.wait_for_events(stage.draw.randint(20, 300))
    if stage.small_disk:
        filler.unlink()
    else:
        stage.limit_files(-1)
    if away and stage.draw.random() < 0.5:
        stage.line.reopen()
    stage.wait_for_log("works again")
    stage.line.reopen()


def damaged_at_rest(stage: Stage) -> None:
    """The file is damaged while the agent is off, at a moment when everything in it has been delivered."""
    stage.wait_for_events(stage.draw.randint(20, 100))
    stage.fall_quiet()
    stage.wait_until_delivered()
    stage.kill()
    _damage(stage)
    stage.start()
    stage.wait_for_events(50)


def damaged_under_a_backlog(stage: Stage) -> None:
    """The head of the file is damaged while the agent is off and hundreds of undelivered events are in it."""
    stage.line.shut()
    stage.wait_for_events(stage.draw.randint(50, 300))
    stage.kill()
    with (stage.state / "outbox.db").open("r+b") as file:
        file.write(stage.draw.randbytes(stage.draw.choice((16, 100, 1000))))
    stage.line.reopen()
    stage.start()


def damaged_in_use(stage: Stage) -> None:
    """The file is damaged under the running agent, whose queue is in memory as well."""
    away = stage.draw.random() < 0.5
    if away:
        stage.line.shut()
    stage.wait_for_events(stage.draw.randint(20, 200))
    _damage(stage)
    stage.wait_for_events(50)
    stage.line.reopen()


def _damage(stage: Stage) -> None:
    """Write over a random part of the file, or cut it off."""
    files = [path for path in stage.state.glob("outbox.db*") if path.suffix != ".db-shm" and path.stat().st_size]
    file = stage.draw.choice(sorted(files))
    size = file.stat().st_size
    start = stage.draw.randrange(size) if stage.draw.random() < 0.5 else 0
    with file.open("r+b") as handle:
        if stage.draw.random() < 0.3:
            handle.truncate(start)
            return
        handle.seek(start)
        handle.write(stage.draw.randbytes(min(size - start, stage.draw.choice((16, 4096, 100_000)))))
