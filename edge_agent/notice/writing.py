"""Writes signs and assessment into a folder, and says later whether they still hold."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge_agent.clock import utc_text
from edge_agent.config import Settings
from edge_agent.errors import InputError
from edge_agent.extras import how_to_install
from edge_agent.files import PUBLIC, make_folder, path_exists, read_file, write_file
from edge_agent.notice.assessment import assessment
from edge_agent.notice.details import FILE as DETAILS_FILE
from edge_agent.notice.details import offer_details, read_details
from edge_agent.notice.html_sign import html_sign
from edge_agent.notice.record import ASSESSMENT_FILE, Record, changes_since, new_record, read_record, write_record
from edge_agent.notice.sign import AUDIENCES, Audience, Sign, make_sign
from edge_agent.notice.words import WORDS, Language
from edge_agent.privacy.declarations import Entry, recorded_declaration
from edge_agent.privacy.policy import Declaration, permit
from edge_agent.system.data_folders import state_folder

if TYPE_CHECKING:
    from edge_agent.notice.pdf_sign import PdfSign

_STEMS: Final[dict[Audience, str]] = {"adults": "sign", "children": "sign-children"}


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        files: Their paths, in the order of writing.
        notes: What the reader should know: what is missing, what could not be shown.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def default_folder(config: Path) -> Path:
    """Where the signs of a settings file lie unless another folder is named: beside it."""
    return config.with_name(f"{config.stem}-notice")


def write_notice(settings: Settings, folder: Path, where: str, now: float, languages: Sequence[str]) -> Written:
    """Write everything. Files of the same name are replaced, but for the school's answers and an assessment that
    somebody has worked on.

    Args:
        settings: The device's.
        folder: Where to; it is made.
        where: The settings' file, for messages.
        now: Unix time.
        languages: Those of the signs and of the assessment; empty for all.

    Raises:
        ConfigError: The declaration is missing or of something that the law forbids, or the answers are not understood.
        InputError: A file cannot be written, or there are no signs in one of the languages.
    """
    if unknown := [language for language in languages if language not in WORDS]:
        raise InputError("--language", received=repr(unknown[0]), expected=f"one of {', '.join(WORDS)}")
    chosen: list[Language] = [language for language in WORDS if not languages or language in languages]
    declaration = permit(settings.camera, settings.policy, where)
    make_folder(folder, 0o755)
    offer_details(folder)
    details = read_details(folder)
    record = new_record(settings, details, utc_text(now))
    made_at = datetime.fromtimestamp(now, tz=timezone.utc)
    files, notes, replaced = [folder / DETAILS_FILE], [], set[str]()
    make_pdf = _pdf_maker()
    for language in chosen:
        for audience in AUDIENCES:
            sign = make_sign(
                settings,
                declaration,
                details,
                language=language,
                audience=audience,
                date=f"{made_at:%Y-%m-%d}",
                fingerprint=record.fingerprint,
            )
            stem = f"{_STEMS[audience]}-{language}"
            files.append(_write(folder / f"{stem}.html", html_sign(sign).encode()))
            if make_pdf is not None:
                pdf = make_pdf(sign, made_at)
                replaced |= pdf.replaced
                files.append(_write(folder / f"{stem}.pdf", pdf.content))
    entry = _entry(settings, declaration)
    before = _record_or_none(folder)
    drafts = {} if before is None else {ASSESSMENT_FILE: before.draft} | before.drafts
    for language in chosen:
        name = assessment_file(language)
        draft = assessment(settings, declaration, entry, details, record, language).encode()
        kept = _worked_on(folder / name, before)
        target = folder / (f"{name.removesuffix('.md')}.new.md" if kept else name)
        files.append(_write(target, draft))
        drafts[name] = _sha256(draft)
        if kept:
            notes.append(f"{folder / name} was worked on and is kept; the new draft is {target}")
    write_record(folder, replace(record, draft=drafts.get(ASSESSMENT_FILE, ""), drafts=drafts))
    if make_pdf is None:
        notes.append(f"no PDF was made, but a browser prints the HTML. {how_to_install('notice')}")
    if replaced:
        letters = " ".join(sorted(replaced))
        notes.append(f"the PDFs cannot show {letters}: the HTML files can. Print those from a browser")
    if not any(getattr(details, name) for name in details.__struct_fields__):
        notes.append(f"fill in {folder / DETAILS_FILE} and run this again; until then the signs have empty lines")
    return Written(tuple(files), tuple(notes))


def notice_state(settings: Settings, folder: Path, where: str, *, asked: bool) -> list[str]:
    """What there is to say about the signs: nothing where they say what holds.

    Args:
        settings: The device's, as they are now.
        folder: Where its signs lie.
        where: The settings' file, for the command that makes them.
        asked: Whether somebody named the folder.

    Raises:
        InputError: The folder's record is broken, or somebody named a folder without one.
    """
    record = read_record(folder)
    again = f"edge-agent notice --config {shlex.quote(where)}" + (f" --out {shlex.quote(str(folder))}" if asked else "")
    if record is None:
        if asked:
            raise InputError(f"{folder}: no signs were made here", remedy=f"Make them: {again}")
        if not settings.camera.live:
            return []
        return [
            f"no signs for the door have been made from these settings: {again}. "
            "If they are in another folder, name it with --notice DIR"
        ]
    changes = changes_since(record, settings, read_details(folder))
    if not changes:
        return []
    said = "; ".join(map(str, changes))
    return [f"the signs and the assessment of {record.made_at[:10]} are out of date: {said}. Make them again: {again}"]


def _pdf_maker() -> Callable[[Sign, datetime], PdfSign] | None:
    """What makes PDFs; ``None`` where its package, an extra, is not installed."""
    try:
        from edge_agent.notice.pdf_sign import pdf_sign
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "fpdf":
            raise
        return None
    return pdf_sign


def assessment_file(language: Language) -> str:
    """The name of the draft in a language."""
    return ASSESSMENT_FILE if language == "en" else f"assessment-{language}.md"


def _record_or_none(folder: Path) -> Record | None:
    """The record of what lies in a folder; ``None`` where there is none, or it is broken."""
    try:
        return read_record(folder)
    except InputError:
        return None


def _worked_on(path: Path, record: Record | None) -> bool:
    """Whether somebody has changed an assessment, which is then not replaced."""
    if not path_exists(path):
        return False
    return record is None or _sha256(read_file(path, "an assessment")) != record.as_written(path.name)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> Path:
    write_file(path, content, PUBLIC)
    return path


def _entry(settings: Settings, declaration: Declaration | None) -> Entry | None:
    folder = state_folder(settings)
    if declaration is None or folder is None:
        return None
    return recorded_declaration(declaration, f"{settings.device.site}/{settings.device.id}", folder)
