"""What one sign for the door says, from the settings, the declaration and the school's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from edge_agent.config import Settings, ZoneSettings
from edge_agent.notice.details import Details, Text, text_in
from edge_agent.notice.pictogram import pictogram
from edge_agent.notice.words import WORDS, Language, Words
from edge_agent.privacy.policy import Declaration, in_eea

Audience = Literal["adults", "children"]
AUDIENCES: Final[tuple[Audience, ...]] = ("adults", "children")

BLANK: Final = "_" * 24
"""Where something is to be written by hand in a sentence."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign, ready for any form.

    Attributes:
        language: ISO 639-1 code.
        audience: For whom.
        title: The line that everybody reads.
        sentences: What it says, one paragraph each.
        fields: Labels with what stands there; an empty text is a line to write on.
        footer: Small print.
        svg: The pictogram.
    """

    language: Language
    audience: Audience
    title: str
    sentences: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    footer: str
    svg: str


def make_sign(
    settings: Settings,
    declaration: Declaration | None,
    details: Details,
    *,
    language: Language,
    audience: Audience,
    date: str,
    fingerprint: str,
) -> Sign:
    """One sign.

    Args:
        settings: The device's.
        declaration: What its operator declared; ``None`` where a simulation or a file needs none.
        details: The school's answers.
        language: Of the sign.
        audience: For whom.
        date: Of today, as it is to be shown.
        fingerprint: Of the settings, for the small print.
    """
    words = WORDS[language]
    content = _Content(settings, declaration, details, language, words)
    device = f"{settings.device.site}/{settings.device.id}"
    if settings.device.room:
        device += f", {words.room.format(room=' '.join(settings.device.room.split()))}"
    return Sign(
        language=language,
        audience=audience,
        title=words.title if audience == "adults" else words.child_title,
        sentences=tuple(content.for_adults() if audience == "adults" else content.for_children()),
        fields=tuple(content.fields()) if audience == "adults" else (),
        footer=f"{words.made.format(date=date, device=device)} ({fingerprint[:12]})",
        svg=pictogram(smiling=audience == "children"),
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """The sentences that hold for these settings."""

    settings: Settings
    declaration: Declaration | None
    details: Details
    language: Language
    words: Words

    def for_adults(self) -> list[str]:
        """All that adults are told."""
        words, settings = self.words, self.settings
        window = words.duration(settings.summary.window_s)
        said = [words.what, words.no_picture]
        if settings.privacy.level == "faces":
            said.append(words.level_faces.format(window=window))
            if settings.privacy.boxes:
                said.append(words.boxes)
        elif settings.privacy.min_group == 1:
            said.append(words.level_summary_one.format(window=window))
        else:
            said.append(words.level_summary.format(window=window, min_group=settings.privacy.min_group))
        if settings.detector.watch:
            said.append(words.watched.format(names=self._zones(settings.detector.watch)))
        if settings.detector.ignore:
            said.append(words.ignored.format(names=self._zones(settings.detector.ignore)))
        if settings.led.name:
            said.append(words.led)
        said += [self._kept(), words.wrong, words.rights]
        if self.declaration is not None and in_eea(self.declaration.jurisdiction):
            said.append(words.law)
        return [*self._sample(), *said]

    def for_children(self) -> list[str]:
        """The same in short, with what concerns a child."""
        words, privacy = self.words, self.settings.privacy
        if privacy.level == "faces":
            published = words.child_faces
        else:
            published = words.child_summary_one if privacy.min_group == 1 else words.child_summary
        said = [words.child_what, words.child_no_picture, published, words.child_wrong]
        if self.settings.led.name:
            said.append(words.child_led)
        said.append(words.child_ask.format(contact=self._text(self.details.contact) or BLANK))
        return [*self._sample(), *said]

    def fields(self) -> list[tuple[str, str]]:
        """What the school answers for."""
        words, details, declaration = self.words, self.details, self.declaration
        basis = declaration.legal_basis if declaration is not None else ""
        filled = [
            (words.purpose, self._text(details.purpose)),
            (words.basis, words.bases.get(basis, basis.replace("_", " "))),
            (words.recipients, self._text(details.recipients)),
            (words.kept_elsewhere, self._text(details.page_retention)),
            (words.closed, self._text(details.closed)),
            (words.controller, self._text(details.controller) or (declaration.declared_by if declaration else "")),
            (words.contact, self._text(details.contact)),
            (words.authority, self._text(details.authority)),
        ]
        if officer := self._text(details.officer):  # not every school has one
            filled.insert(-1, (words.officer, officer))
        return filled

    def _sample(self) -> list[str]:
        return [] if self.settings.camera.live else [self.words.sample]

    def _kept(self) -> str:
        outbox, words = self.settings.outbox, self.words
        if not outbox.keep_delivered_h:
            return words.kept_not
        kept = words.duration(round(outbox.keep_delivered_h * 3600))
        return (words.kept if outbox.path else words.kept_memory).format(kept=kept)

    def _zones(self, zones: tuple[ZoneSettings, ...]) -> str:
        names = [" ".join(zone.name.split()) for zone in zones]
        return ", ".join(dict.fromkeys(name or self.words.unnamed_zone for name in names))

    def _text(self, text: Text) -> str:
        return text_in(text, self.language)
