"""The LED that shows people that the camera is open: one of the kernel's LED class.

No library for pins is needed: the kernel makes an LED of any GPIO pin (on a Raspberry Pi one line in ``config.txt``)
and keeps it dark from the boot on. Writing a file switches it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from edge_agent.errors import CheckFailed
from edge_agent.rights import denied_write
from edge_agent.system.hardware_status import SYS

log = logging.getLogger(__name__)


class StatusLed:
    """Switches the LED. Nothing is raised while the agent runs: a failing LED is logged once and shown in ``health``.

    Args:
        name: Its name under ``/sys/class/leds``; empty for none.
        platform: Root of sysfs.

    Attributes:
        failing: Whether it could not be switched when last tried.
    """

    def __init__(self, name: str, platform: Path = SYS) -> None:
        self._folder = platform / "class" / "leds" / name if name else None
        self.failing = False

    def show(self, on: bool) -> None:
        """Switch it on, at its full brightness, or off, which also ends whatever else the kernel showed with it."""
        if self._folder is None:
            return
        try:
            self._write(self._brightest(self._folder) if on else 0, self._folder)
        except (OSError, ValueError) as error:
            if not self.failing:
                log.error("the LED %s cannot be switched %s: %s", self._folder, "on" if on else "off", error)
            self.failing = True
        else:
            self.failing = False

    def lit(self) -> bool:
        """Whether it is on, as far as can be read."""
        try:
            return self._folder is not None and int((self._folder / "brightness").read_text()) > 0
        except (OSError, ValueError):
            return False

    def examine(self) -> str:
        """Whether it can be switched, in a line; it stays as it is.

        Raises:
            CheckFailed: There is no such LED, or it may not be switched.
        """
        if self._folder is None:
            return "none configured"
        try:
            self._write(int((self._folder / "brightness").read_text()), self._folder)
            brightest = self._brightest(self._folder)
        except FileNotFoundError:
            others = ", ".join(sorted(path.name for path in self._folder.parent.glob("*"))) or "none"
            raise CheckFailed(
                f"{self._folder}: no such LED",
                expected=f"one of {others}",
                remedy="docs/deploy.md says how a pin becomes one",
            ) from None
        except OSError as error:
            file = self._folder / "brightness"
            cause, remedy = denied_write(file, error)
            given = "Start the service, which is given the right to"
            raise CheckFailed(
                f"{file}: cannot be switched: {cause}", remedy=f"{given}. Otherwise: {remedy}" if remedy else given
            ) from None
        except ValueError as error:
            raise CheckFailed(f"{self._folder}: cannot be switched: {error}", remedy="Choose another LED") from None
        return f"{self._folder} can be switched, brightness up to {brightest}"

    @staticmethod
    def _brightest(folder: Path) -> int:
        return int((folder / "max_brightness").read_text())

    @staticmethod
    def _write(brightness: int, folder: Path) -> None:
        # Never created: where there is no such LED, no file takes its place.
        handle = os.open(folder / "brightness", os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(handle, b"%d\n" % brightness)
        finally:
            os.close(handle)
