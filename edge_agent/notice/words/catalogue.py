"""What the signs say, one field a sentence. The type checker sees to it that no language lacks one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language.

    Braces are filled in: ``{window}`` and ``{kept}`` with a duration, ``{min_group}`` with a number, ``{names}`` with
    the names of zones, ``{contact}`` with a person or a line to write on.

    Attributes:
        language: ISO 639-1 code.
        seconds: One second and several; likewise minutes, hours and days.
        bases: Well-known words of the declaration's legal basis.
    """

    language: str
    seconds: tuple[str, str]
    minutes: tuple[str, str]
    hours: tuple[str, str]
    days: tuple[str, str]
    bases: dict[str, str]

    title: str
    sample: str
    what: str
    no_picture: str
    level_summary: str
    level_summary_one: str
    level_faces: str
    boxes: str
    watched: str
    ignored: str
    unnamed_zone: str
    led: str
    wrong: str
    kept: str
    kept_memory: str
    kept_not: str
    rights: str
    law: str

    purpose: str
    basis: str
    recipients: str
    kept_elsewhere: str
    closed: str
    controller: str
    contact: str
    officer: str
    authority: str
    made: str
    room: str

    child_title: str
    child_what: str
    child_no_picture: str
    child_summary: str
    child_summary_one: str
    child_faces: str
    child_wrong: str
    child_led: str
    child_ask: str

    def duration(self, seconds: float) -> str:
        """A time in the largest unit that divides it."""
        for unit_s, (one, several) in ((86400, self.days), (3600, self.hours), (60, self.minutes)):
            if seconds >= unit_s and seconds % unit_s == 0:
                count = round(seconds / unit_s)
                return f"{count} {one if count == 1 else several}"
        one, several = self.seconds
        return f"{seconds:g} {one if seconds == 1 else several}"
